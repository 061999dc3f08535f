// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

var _ = Describe("What dr-apiserver tells besides the API", func() {
	DescribeTable("is open to those whom its table names",
		func(ctx SpecContext, column string, config func() *rest.Config) {
			table := must(page.Table("The server itself"))
			way := newCaller(straight, direct(ctx, config()))
			for _, path := range table.Rows {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, way.host+path, nil)
				Expect(err).NotTo(HaveOccurred())
				a, err := way.do(request)
				Expect(err).NotTo(HaveOccurred())
				wanted := http.StatusForbidden
				if table.Cell(path, column) == "get" {
					wanted = http.StatusOK
				}
				Expect(a.code).To(Equal(wanted), "%s: %s", path, a)
			}
		},
		Entry("who is not signed in", notSignedIn, withoutCredentials, SpecTimeout(specTimeout)),
		Entry("who is signed in", signedIn, func() *rest.Config { return impersonating("nobody", "system:authenticated") }, SpecTimeout(specTimeout)),
		Entry("an administrator of the hub", "administrator of the hub", func() *rest.Config { return playground.Hub.Config }, SpecTimeout(specTimeout)),
	)
})
