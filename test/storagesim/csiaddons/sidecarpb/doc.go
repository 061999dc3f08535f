// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package sidecarpb is generated from the .proto files beside it with protoc 3.21 (Debian's protobuf-compiler), protoc-gen-go v1.36.12
// and protoc-gen-go-grpc v1.6.
package sidecarpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative sidecar.proto volumegroup.proto networkfence.proto
