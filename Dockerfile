# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# The image of dr-apiserver and dr-agent. It holds both programs and the certificate authorities that object stores are verified
# with, and nothing else: no shell, no libraries. Programs for other processors are cross-compiled.
ARG GO_VERSION=1.26
FROM --platform=$BUILDPLATFORM docker.io/library/golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS=linux
ARG TARGETARCH=amd64
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH hack/build-release.sh /out

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /
# A number, so that a kubelet can tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/dr-apiserver"]
