// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// application is a placement that could be failed over, as agents and controllers would have reported it. Its source is
// dead.
type application struct {
	namespace, target string
}

// newApplication is in a namespace of its own, which goes with the spec.
func newApplication(ctx context.Context, s *server) *application {
	GinkgoHelper()
	id := utilrand.String(5)
	a := &application{namespace: newNamespace(ctx), target: "dr2-" + id}
	source, now := "dr1-"+id, time.Now()
	api, saved := s.direct().DR.DrV1alpha1(), now.Add(-time.Minute)
	for _, name := range []string{source, a.target} {
		cluster := builder.DRCluster(name).Obj()
		cluster.Spec.S3ProfileName = profile
		_, err := api.DRClusters().Create(ctx, cluster, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	_, err := api.DRPolicies().Create(ctx, builder.DRPolicy(id).Clusters(source, a.target).Obj(), metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	a.connect(ctx)
	placement := builder.DRPC(a.namespace, "shop").Policy(id).Preferred(source).Failover(a.target).
		Running(source, 1, v1alpha1.PhaseDeployed).Saved(saved).
		Condition(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Deployed").
		Condition(v1alpha1.ConditionProtected, metav1.ConditionTrue, "Protected").Obj()
	created, err := api.DRPlacementControls(a.namespace).Create(ctx, placement, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	created.Status = placement.Status
	_, err = api.DRPlacementControls(a.namespace).UpdateStatus(ctx, created, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
	for _, group := range []*v1alpha1.VolumeReplicationGroup{
		builder.VRG(a.namespace, "shop", source).Primary(1, "").Reports(v1alpha1.PrimaryState).Healthy(saved).Obj(),
		builder.VRG(a.namespace, "shop", a.target).Secondary(1, "").Reports(v1alpha1.SecondaryState).Healthy(saved).Obj(),
	} {
		created, err := api.VolumeReplicationGroups(a.namespace).Create(ctx, group, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		created.Status = group.Status
		_, err = api.VolumeReplicationGroups(a.namespace).UpdateStatus(ctx, created, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	return a
}

// connect renews the Lease of the target's agent, for long.
func (a *application) connect(ctx context.Context) {
	GinkgoHelper()
	leases := hub.Kube.CoordinationV1().Leases(component.AgentNamespace)
	_, err := leases.Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: a.target},
		Spec:       coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NowMicro()), LeaseDurationSeconds: ptr.To[int32](3600)},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(leases.Delete(ctx, a.target, metav1.DeleteOptions{})).To(Succeed()) }, NodeTimeout(soon))
}

// request is one for a failover that nothing stands against.
func (a *application) request(name string) *v1alpha1.DRAction {
	return &v1alpha1.DRAction{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.DRActionSpec{
			TargetCluster: a.target, Reason: "the site burns",
			Acknowledgements: []v1alpha1.Acknowledgement{v1alpha1.AckSourceMayStillWrite},
		},
	}
}

func (a *application) failover(ctx context.Context, client versioned.Interface, name string) (*v1alpha1.DRAction, error) {
	return client.DrV1alpha1().DRPlacementControls(a.namespace).Failover(ctx, "shop", a.request(name), metav1.CreateOptions{})
}

// newNamespace goes with the spec, if it has not gone before.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "lifetime-"}}
	namespace, err := hub.Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		_ = hub.Kube.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{})
	}, NodeTimeout(soon))
	return namespace.Name
}
