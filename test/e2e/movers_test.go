// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

const (
	snapshotClass = "sim-snapshot"
	// lateClass makes volumes when a pod wants them.
	lateClass = "sim-snapshot-late"
	// trigger is the manual trigger of a sync.
	trigger = "now"
)

var _ = Describe("VolSync's manager and the playground's movers", func() {
	It("carry a volume over to the other cluster, where its image can be restored", func(ctx SpecContext) {
		app := newApp()
		By("deploying the application " + app.Namespace)
		Expect(app.Deploy(ctx, framework.DR1, 1, "--storage-class", snapshotClass)).To(Succeed())
		claim := "data-0-" + app.Namespace + "-0"
		haveKey(ctx, app)

		destination := volSync(app, framework.DR2, framework.ReplicationDestinations, "ReplicationDestination")
		destination.create(ctx, map[string]any{"rsyncTLS": map[string]any{
			"keySecret": "key", "copyMethod": "Snapshot", "capacity": "1Gi", "accessModes": []any{"ReadWriteOnce"},
			"storageClassName": lateClass, "volumeSnapshotClassName": snapshotClass, "serviceType": "LoadBalancer",
		}})
		address := framework.Field(destination.await(ctx, "reachable", func(o *unstructured.Unstructured) bool {
			return framework.Field(o, "status", "rsyncTLS", "address") != ""
		}), "status", "rsyncTLS", "address")

		before := countRecords(app).Acknowledged
		source := volSync(app, framework.DR1, framework.ReplicationSources, "ReplicationSource")
		source.create(ctx, map[string]any{"sourcePVC": claim, "rsyncTLS": map[string]any{
			"keySecret": "key", "address": address, "copyMethod": "Snapshot", "volumeSnapshotClassName": snapshotClass,
		}})
		source.await(ctx, "synced", synced)
		image := framework.Field(destination.await(ctx, "synced", synced), "status", "latestImage", "name")

		By("restoring " + image + " on dr2")
		restore(ctx, app, claim, image)
		report := countRecords(app)
		Expect(report.Volumes).To(HaveLen(1))
		Expect(report.Volumes[0].Copies).To(ContainElement(SatisfyAll(
			HaveField("Cluster", framework.DR2), HaveField("Surviving", BeNumerically(">=", before)),
		)), "all that was acknowledged before the sync is in the image")
	}, SpecTimeout(specTimeout))
})

// replication is a ReplicationSource or ReplicationDestination called data.
type replication struct {
	app     *framework.App
	cluster string
	kind    string
	gvr     schema.GroupVersionResource
}

func volSync(app *framework.App, cluster string, gvr schema.GroupVersionResource, kind string) replication {
	return replication{app: app, cluster: cluster, kind: kind, gvr: gvr}
}

func (r replication) create(ctx context.Context, spec map[string]any) {
	GinkgoHelper()
	By("creating a " + r.kind + " on " + r.cluster)
	spec["trigger"] = map[string]any{"manual": trigger}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": r.gvr.GroupVersion().String(), "kind": r.kind, "metadata": map[string]any{"name": "data"}, "spec": spec,
	}}
	_, err := playground.Managed[r.cluster].Dynamic.Resource(r.gvr).Namespace(r.app.Namespace).Create(ctx, object, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

func (r replication) await(ctx context.Context, what string, reached func(*unstructured.Unstructured) bool) *unstructured.Unstructured {
	GinkgoHelper()
	By(fmt.Sprintf("waiting until the %s is %s", r.kind, what))
	client := framework.Dynamic(playground.Managed[r.cluster].Dynamic.Resource(r.gvr).Namespace(r.app.Namespace))
	object, err := framework.Await(ctx, client, "data", framework.Replication, framework.Wanted[*unstructured.Unstructured]{
		What: what, Reached: func(o *unstructured.Unstructured) (bool, string, error) {
			return reached(o), fmt.Sprint(o.Object["status"]), nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
	return object
}

func synced(object *unstructured.Unstructured) bool {
	return framework.Field(object, "status", "lastManualSync") == trigger &&
		framework.Field(object, "status", "latestMoverStatus", "result") == "Successful"
}

// haveKey gives both clusters the key that movers share.
func haveKey(ctx context.Context, app *framework.App) {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: app.Namespace}}
	_, err := playground.Managed[framework.DR2].Kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	for _, cluster := range playground.Managed {
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "key"},
			StringData: map[string]string{"psk.txt": "volsync:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		}
		_, err := cluster.Kube.CoreV1().Secrets(app.Namespace).Create(ctx, secret, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
}

// restore makes a claim on dr2 from a snapshot and waits until it is bound.
func restore(ctx context.Context, app *framework.App, claim, snapshot string) {
	GinkgoHelper()
	claims := playground.Managed[framework.DR2].Kube.CoreV1().PersistentVolumeClaims(app.Namespace)
	_, err := claims.Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: claim},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: ptr.To(snapshotClass), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:  corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			DataSource: &corev1.TypedLocalObjectReference{APIGroup: ptr.To("snapshot.storage.k8s.io"), Kind: "VolumeSnapshot", Name: snapshot},
		},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = framework.Await(ctx, claims, claim, framework.Replication, framework.Wanted[*corev1.PersistentVolumeClaim]{
		What: "bound", Reached: func(pvc *corev1.PersistentVolumeClaim) (bool, string, error) {
			return pvc.Status.Phase == corev1.ClaimBound, string(pvc.Status.Phase), nil
		},
	})
	Expect(err).NotTo(HaveOccurred())
}
