// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

var _ = Describe("The embedded store", func() {
	It("refuses writes when it is full, with what to do about it, and takes them again once there is space", func(ctx SpecContext) {
		s := embedded(ctx, append(quiet, "--quota-backend-bytes=8388608")...)
		clusters := hub.DR.DrV1alpha1().DRClusters()
		cluster := builder.DRCluster("dr1").Obj()
		cluster.Spec.S3ProfileName = profile
		_, err := clusters.Create(ctx, cluster, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		written := 0
		write := func() error {
			written++
			patch := fmt.Sprintf(`{"metadata":{"annotations":{"lifetime/written":"%d %s"}}}`, written, strings.Repeat("x", 200<<10))
			_, err := clusters.Patch(ctx, cluster.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			return err
		}
		for err = write(); err == nil; {
			err = write()
		}
		Expect(apierrors.ReasonForError(err)).To(BeEquivalentTo("InsufficientStorage"), "%v", err)
		Expect(err).To(MatchError(And(ContainSubstring("delete what is not needed"), ContainSubstring("--quota-backend-bytes"))))
		_, err = clusters.Get(ctx, cluster.Name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred(), "reads go on")
		code, body := s.check(ctx, "/readyz")
		Expect(code).To(Equal(http.StatusOK), body)
		Eventually(ctx, write).Should(Succeed())
	}, SpecTimeout(specTimeout))
})
