// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	drapply "github.com/ramendr/dr-apiserver/pkg/generated/applyconfiguration/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func restClient(t *testing.T) rest.Interface {
	t.Helper()
	client, err := versioned.NewForConfig(api.As(user))
	if err != nil {
		t.Fatal(err)
	}
	return client.DrV1alpha1().RESTClient()
}

func patchAction(t *testing.T, namespace, name, subresource, body string) (*v1alpha1.DRAction, error) {
	t.Helper()
	action := &v1alpha1.DRAction{}
	request := restClient(t).Patch(types.MergePatchType).Namespace(namespace).Resource("dractions").Name(name)
	if subresource != "" {
		request = request.SubResource(subresource)
	}
	return action, request.Body([]byte(body)).Do(t.Context()).Into(action)
}

func TestDiscoverySaysWhatCanBeDone(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(api.As(user))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	status := []string{"get", "patch", "update"}
	want := map[string][]string{
		"drplacementcontrols": all, "drplacementcontrols/status": status,
		"drplacementcontrols/failover": {"create"}, "drplacementcontrols/relocate": {"create"}, "drplacementcontrols/abort": {"create"},
		"dractions": all, "dractions/status": status,
		"volumereplicationgroups": all, "volumereplicationgroups/status": status,
		"volumereplicationgroups/replicationkey": {"get"},
		"protectedvolumes":                       {"get", "list"},
		"replicationgroupsources":                {"get", "list"},
		"replicationgroupdestinations":           {"get", "list"},
		"drpolicies":                             all, "drpolicies/status": status,
		"drclusters": all, "drclusters/status": status,
		"drclusters/fence": {"create"}, "drclusters/unfence": {"create"},
		"maintenancemodes": all, "maintenancemodes/status": status,
		"drclusterconfigs": all, "drclusterconfigs/status": status,
	}
	found := ok[*metav1.APIResourceList](t)(client.ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String()))
	for _, resource := range found.APIResources {
		verbs := slices.Sorted(slices.Values(resource.Verbs))
		if !slices.Equal(verbs, want[resource.Name]) {
			t.Errorf("%s can be %v, wanted %v", resource.Name, verbs, want[resource.Name])
		}
		delete(want, resource.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing are %v", want)
	}
}

func TestInformersOfEveryStoredKindSync(t *testing.T) {
	client := clientset(t)
	factory := externalversions.NewSharedInformerFactory(client, 0)
	kinds := factory.Dr().V1alpha1()
	for _, informer := range []func() cache.SharedIndexInformer{
		kinds.DRPlacementControls().Informer, kinds.DRActions().Informer, kinds.VolumeReplicationGroups().Informer,
		kinds.DRPolicies().Informer, kinds.DRClusters().Informer, kinds.DRClusterConfigs().Informer, kinds.MaintenanceModes().Informer,
	} {
		informer()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	factory.StartWithContext(ctx)
	if err := factory.WaitForCacheSyncWithContext(ctx).AsError(); err != nil {
		t.Error(err)
	}
}

func TestAgentsWatchSeesItsOwnGroupsOnly(t *testing.T) {
	groups := clientset(t).DrV1alpha1().VolumeReplicationGroups("ns-" + utilrand.String(6))
	one, other := "c-"+utilrand.String(6), "c-"+utilrand.String(6)
	watcher, err := groups.Watch(t.Context(), metav1.ListOptions{FieldSelector: v1alpha1.FieldClusterName + "=" + one})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	for _, cluster := range []string{other, one} {
		ok[*v1alpha1.VolumeReplicationGroup](t)(groups.Create(t.Context(), builder.VRG("", "shop", cluster).Primary(1, "").Obj(), metav1.CreateOptions{}))
	}
	event := next(t, watcher)
	if group, isGroup := event.Object.(*v1alpha1.VolumeReplicationGroup); !isGroup || event.Type != watch.Added || group.Spec.ClusterName != one {
		t.Errorf("the watch of %s saw %s %+v", one, event.Type, event.Object)
	}
	listed := ok[*v1alpha1.VolumeReplicationGroupList](t)(groups.List(t.Context(), metav1.ListOptions{FieldSelector: v1alpha1.FieldClusterName + "=" + other}))
	if len(listed.Items) != 1 || listed.Items[0].Spec.ClusterName != other {
		t.Errorf("the list of %s has %+v", other, listed.Items)
	}
	if _, err := groups.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.epoch=1"}); !apierrors.IsBadRequest(err) {
		t.Errorf("a field that can't be selected on: %v", err)
	}
}

func next(t *testing.T, watcher watch.Interface) watch.Event {
	t.Helper()
	select {
	case event := <-watcher.ResultChan():
		return event
	case <-time.After(30 * time.Second):
		t.Fatal("no event")
		return watch.Event{}
	}
}

func TestPlacementsAreSelectedByPolicyAndPhase(t *testing.T) {
	a := newApplication(t)
	placements := a.client.DrV1alpha1().DRPlacementControls(metav1.NamespaceAll)
	for selector, want := range map[string]int{
		v1alpha1.FieldDRPolicyName + "=" + a.placement().Spec.DRPolicyRef.Name:                                                  1,
		v1alpha1.FieldDRPolicyName + "=" + a.placement().Spec.DRPolicyRef.Name + "," + v1alpha1.FieldPhase + "=" + "Relocating": 0,
		v1alpha1.FieldPhase + "=" + string(v1alpha1.PhaseDeployed) + ",metadata.namespace=" + a.namespace:                       1,
	} {
		if listed := ok[*v1alpha1.DRPlacementControlList](t)(placements.List(t.Context(), metav1.ListOptions{FieldSelector: selector})); len(listed.Items) != want {
			t.Errorf("%s selects %d, wanted %d", selector, len(listed.Items), want)
		}
	}
}

func TestServerSideApplyKeepsOwnersApart(t *testing.T) {
	namespace := "ns-" + utilrand.String(6)
	placements := clientset(t).DrV1alpha1().DRPlacementControls(namespace)
	wanted := drapply.DRPlacementControl("shop", namespace).WithSpec(drapply.DRPlacementControlSpec().
		WithDRPolicyRef(drapply.DRPolicyReference().WithName("p")).WithPreferredCluster("dr1"))
	ok[*v1alpha1.DRPlacementControl](t)(placements.Apply(t.Context(), wanted, metav1.ApplyOptions{FieldManager: "tenant"}))

	status := drapply.DRPlacementControl("shop", namespace).WithStatus(drapply.DRPlacementControlStatus().WithPhase(v1alpha1.PhaseDeploying))
	ok[*v1alpha1.DRPlacementControl](t)(placements.ApplyStatus(t.Context(), status, metav1.ApplyOptions{FieldManager: "controller"}))
	after := ok[*v1alpha1.DRPlacementControl](t)(placements.Apply(t.Context(), wanted, metav1.ApplyOptions{FieldManager: "tenant"}))
	if after.Status.Phase != v1alpha1.PhaseDeploying || after.Generation != 1 {
		t.Errorf("applying spec again gave %+v", after)
	}
	other := drapply.DRPlacementControl("shop", namespace).WithSpec(drapply.DRPlacementControlSpec().WithPreferredCluster("dr2"))
	if _, err := placements.Apply(t.Context(), other, metav1.ApplyOptions{FieldManager: "somebody"}); !apierrors.IsConflict(err) {
		t.Errorf("taking over a field: %v", err)
	}
	missing := drapply.DRPlacementControl("missing", namespace).WithStatus(drapply.DRPlacementControlStatus().WithPhase(v1alpha1.PhaseDeployed))
	if _, err := placements.ApplyStatus(t.Context(), missing, metav1.ApplyOptions{FieldManager: "controller"}); !apierrors.IsNotFound(err) {
		t.Errorf("applying the status of nothing: %v", err)
	}
}

func TestProtectedVolumesAreComputed(t *testing.T) {
	a := newApplication(t)
	groups := a.client.DrV1alpha1().VolumeReplicationGroups(a.namespace)
	group := ok[*v1alpha1.VolumeReplicationGroup](t)(groups.Get(t.Context(), "shop."+a.source, metav1.GetOptions{}))
	synced := metav1.NewTime(time.Now().Add(-2 * time.Minute))
	group.Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{
		{Namespace: a.namespace, Name: "data-1"}, {Namespace: a.namespace, Name: "data-0", LastSyncTime: &synced},
	}
	ok[*v1alpha1.VolumeReplicationGroup](t)(groups.UpdateStatus(t.Context(), group, metav1.UpdateOptions{}))

	volumes := a.client.DrV1alpha1().ProtectedVolumes(a.namespace)
	list := ok[*v1alpha1.ProtectedVolumeList](t)(volumes.List(t.Context(), metav1.ListOptions{}))
	if len(list.Items) != 2 || list.ResourceVersion == "" {
		t.Fatalf("resourceVersion %q, volumes %+v", list.ResourceVersion, list.Items)
	}
	first := list.Items[0]
	if first.Status.PVC.Name != "data-0" || first.Status.Behind == nil || first.Status.Behind.Duration < 2*time.Minute ||
		first.Status.Freshness != v1alpha1.Stale || list.Items[1].Status.Behind != nil {
		t.Errorf("computed were %+v", list.Items)
	}
	got := ok[*v1alpha1.ProtectedVolume](t)(volumes.Get(t.Context(), first.Name, metav1.GetOptions{}))
	if got.Status.PVC.Name != "data-0" {
		t.Errorf("%s is %+v", first.Name, got)
	}
	if _, err := volumes.Get(t.Context(), "missing", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a volume nobody reports: %v", err)
	}
	for selector, want := range map[metav1.ListOptions]int{
		{LabelSelector: v1alpha1.LabelCluster + "=" + a.source}: 2,
		{LabelSelector: v1alpha1.LabelCluster + "=" + a.target}: 0,
		{FieldSelector: "metadata.name=" + first.Name}:          1,
	} {
		if selected := ok[*v1alpha1.ProtectedVolumeList](t)(volumes.List(t.Context(), selector)); len(selected.Items) != want {
			t.Errorf("%+v selects %d, wanted %d", selector, len(selected.Items), want)
		}
	}
	_, err := restClient(t).Get().Namespace(a.namespace).Resource("protectedvolumes").Param("watch", "true").DoRaw(t.Context())
	if !apierrors.IsMethodNotSupported(err) {
		t.Errorf("watching what can't be watched: %v", err)
	}
}

func TestTablesHaveAColumnForEachCell(t *testing.T) {
	a := newApplication(t)
	ok[*v1alpha1.DRAction](t)(a.failover(deadSource("")))
	ok[*v1alpha1.DRClusterConfig](t)(a.client.DrV1alpha1().DRClusterConfigs().Create(t.Context(), builder.DRClusterConfig(a.source).Obj(), metav1.CreateOptions{}))
	ok[*v1alpha1.MaintenanceMode](t)(a.client.DrV1alpha1().MaintenanceModes().Create(t.Context(), &v1alpha1.MaintenanceMode{
		ObjectMeta: metav1.ObjectMeta{Name: a.target + "-storage"},
		Spec: v1alpha1.MaintenanceModeSpec{
			ClusterName: a.target, StorageProvisioner: "csi.example.com", Modes: []v1alpha1.MaintenanceModeType{v1alpha1.MaintenanceModeFailover},
		},
	}, metav1.CreateOptions{}))
	for resource, columns := range map[string][]string{
		"drplacementcontrols":     {"Name", "Phase", "Runs On", "Recovers On", "Protected", "Behind", "Age"},
		"dractions":               {"Name", "Type", "DRPC", "From", "To", "State", "Gave Up", "Took", "Age"},
		"volumereplicationgroups": {"Name", "Cluster", "Wanted", "State", "Ready", "Protected", "Volumes", "Behind", "Age"},
		"drpolicies":              {"Name", "Clusters", "Interval", "Validated", "Age"},
		"drclusters":              {"Name", "Connected", "Heartbeat", "Validated", "Fence", "Region", "Age"},
		"maintenancemodes":        {"Name", "Cluster", "Provisioner", "Target", "State", "Activated", "Age"},
		"drclusterconfigs":        {"Name", "Cluster ID", "Storage Classes", "Replication Classes", "Updated", "Age"},
	} {
		raw, err := restClient(t).Get().Resource(resource).
			SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		table := &metav1.Table{}
		if err := json.Unmarshal(raw, table); err != nil {
			t.Fatal(err)
		}
		var shown []string
		for _, definition := range table.ColumnDefinitions {
			if definition.Priority == 0 {
				shown = append(shown, definition.Name)
			}
		}
		if !slices.Equal(shown, columns) {
			t.Errorf("%s shows %v, wanted %v", resource, shown, columns)
		}
		if len(table.Rows) == 0 || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) || table.ResourceVersion == "" {
			t.Errorf("%s has rows %+v for %d columns", resource, table.Rows, len(table.ColumnDefinitions))
		}
	}
}

func TestCollectorsOfGarbageReadMetadata(t *testing.T) {
	a := newApplication(t)
	client, err := metadata.NewForConfig(api.As(user))
	if err != nil {
		t.Fatal(err)
	}
	groups := client.Resource(v1alpha1.SchemeGroupVersion.WithResource("volumereplicationgroups")).Namespace(a.namespace)
	if listed := ok[*metav1.PartialObjectMetadataList](t)(groups.List(t.Context(), metav1.ListOptions{})); len(listed.Items) != 2 {
		t.Errorf("the metadata of %d groups is listed", len(listed.Items))
	}
	if err := groups.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	for _, group := range ok[*metav1.PartialObjectMetadataList](t)(groups.List(t.Context(), metav1.ListOptions{})).Items {
		if group.DeletionTimestamp == nil || group.Generation != 2 {
			t.Errorf("%s waits for its agent with deletionTimestamp %v and generation %d", group.Name, group.DeletionTimestamp, group.Generation)
		}
	}
}
