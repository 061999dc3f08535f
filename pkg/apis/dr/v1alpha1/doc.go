// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.ramen.dr.v1alpha1
// +k8s:conversion-gen=github.com/ramendr/dr-apiserver/pkg/apis/dr
// +k8s:defaulter-gen=TypeMeta
// +k8s:validation-gen=TypesWithSuffix=Spec
// +k8s:validation-gen-scheme-registry=nil
// +groupName=dr.ramen.io

// Package v1alpha1 is the first version of the dr.ramen.io API: disaster recovery of stateful
// applications across clusters.
package v1alpha1
