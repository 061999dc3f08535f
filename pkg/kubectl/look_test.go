// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func ago(d time.Duration) *metav1.Time {
	t := metav1.NewTime(now.Add(-d))
	return &t
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

func protectedApp() *v1alpha1.DRPlacementControl {
	return &v1alpha1.DRPlacementControl{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"},
		Spec:       v1alpha1.DRPlacementControlSpec{DRPolicyRef: v1alpha1.DRPolicyReference{Name: "dr-policy"}},
		Status: v1alpha1.DRPlacementControlStatus{
			Phase: v1alpha1.PhaseDeployed, Epoch: 1, PrimaryCluster: "dr1",
			Conditions: []metav1.Condition{
				condition(v1alpha1.ConditionAvailable, metav1.ConditionTrue, "Success", ""),
				condition(v1alpha1.ConditionPeerReady, metav1.ConditionTrue, "Success", ""),
				condition(v1alpha1.ConditionProtected, metav1.ConditionTrue, "Protected", ""),
			},
			Clusters: []v1alpha1.ClusterView{
				{Name: "dr1", State: v1alpha1.PrimaryState, Epoch: 1, ObservedAt: ago(3 * time.Second), Freshness: v1alpha1.Fresh},
				{Name: "dr2", State: v1alpha1.SecondaryState, Epoch: 1, ObservedAt: ago(time.Minute), Freshness: v1alpha1.Fresh},
			},
		},
	}
}

func group(cluster string, state v1alpha1.VolumeReplicationGroupState) *v1alpha1.VolumeReplicationGroup {
	return &v1alpha1.VolumeReplicationGroup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "shop." + cluster,
			Labels: map[string]string{v1alpha1.LabelDRPlacementControl: "shop", v1alpha1.LabelCluster: cluster},
		},
		Spec:   v1alpha1.VolumeReplicationGroupSpec{ClusterName: cluster},
		Status: v1alpha1.VolumeReplicationGroupStatus{State: state},
	}
}

func volume(cluster, pvc string, state v1alpha1.VolumeReplicationGroupState) *v1alpha1.ProtectedVolume {
	var method v1alpha1.ReplicationMethod
	if state == v1alpha1.SecondaryState {
		method = v1alpha1.MethodVolumeReplication
	}
	return &v1alpha1.ProtectedVolume{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: cluster + ".shop." + cluster + "." + pvc},
		Status: v1alpha1.ProtectedVolumeStatus{
			Cluster: cluster, VolumeReplicationGroup: "shop." + cluster, State: state, PVC: v1alpha1.ProtectedPVC{Namespace: "shop", Name: pvc, ReplicationMethod: method},
		},
	}
}

func synced(v *v1alpha1.ProtectedVolume, behind time.Duration) *v1alpha1.ProtectedVolume {
	v.Status.PVC.LastSyncTime, v.Status.Behind = ago(behind), &metav1.Duration{Duration: behind}
	return v
}

// replicated says by which method and how a volume is replicated with dr2.
func replicated(v *v1alpha1.ProtectedVolume, method v1alpha1.ReplicationMethod, edit func(*v1alpha1.ProtectedPVC)) *v1alpha1.ProtectedVolume {
	v.Status.PVC.ReplicationMethod, v.Status.PVC.Peer = method, "dr2"
	edit(&v.Status.PVC)
	return v
}

// everyMethod is an application whose volumes are protected in every way there is, and one in none.
func everyMethod() []runtime.Object {
	last := func(bytes int64, took time.Duration) func(*v1alpha1.ProtectedPVC) {
		return func(p *v1alpha1.ProtectedPVC) {
			p.LastSyncBytes, p.LastSyncDuration = &bytes, &metav1.Duration{Duration: took}
		}
	}
	in := func(group string) func(*v1alpha1.ProtectedPVC) {
		return func(p *v1alpha1.ProtectedPVC) { p.ConsistencyGroup = group }
	}
	isProtected := func(p *v1alpha1.ProtectedPVC) {
		p.Conditions = []metav1.Condition{condition(v1alpha1.ConditionDataProtected, metav1.ConditionTrue, "Replicating", "")}
	}
	primary := func(pvc string) *v1alpha1.ProtectedVolume { return volume("dr1", pvc, v1alpha1.PrimaryState) }
	unprotected := primary("scratch")
	unprotected.Status.PVC.Conditions = []metav1.Condition{
		condition(v1alpha1.ConditionDataProtected, metav1.ConditionFalse, "NoPeerClass", "StorageClass plain has no peer class"),
	}
	app := protectedApp()
	app.Status.Conditions[2] = condition(v1alpha1.ConditionProtected, metav1.ConditionFalse, "NoPeerClass", "StorageClass plain has no peer class")
	return []runtime.Object{
		app, group("dr1", v1alpha1.PrimaryState), group("dr2", v1alpha1.SecondaryState),
		replicated(synced(primary("files"), 40*time.Second), v1alpha1.MethodVolSync, last(3565158, 2*time.Second)),
		replicated(synced(primary("ledger-0"), 12*time.Second), v1alpha1.MethodVolumeGroupReplication, in("shop-fast")),
		replicated(synced(primary("logs"), 12*time.Second), v1alpha1.MethodVolumeReplication, last(0, 120*time.Millisecond)),
		replicated(primary("mirror"), v1alpha1.MethodVolumeReplication, isProtected),
		replicated(primary("new"), v1alpha1.MethodVolSyncGroup, in("shop-slow")),
		unprotected,
		replicated(primary("shared"), v1alpha1.MethodShared, isProtected),
		replicated(volume("dr2", "files", v1alpha1.SecondaryState), v1alpha1.MethodVolSync, func(p *v1alpha1.ProtectedPVC) { p.Peer = "dr1" }),
	}
}

// withoutItsLate is an application that no longer has a volume which the cluster it came from still has, as it has one that
// nothing replicates.
func withoutItsLate() []runtime.Object {
	late := replicated(volume("dr1", "late", v1alpha1.SecondaryState), v1alpha1.MethodVolumeReplication, func(p *v1alpha1.ProtectedPVC) {
		p.Conditions = []metav1.Condition{
			condition(v1alpha1.ConditionDataReady, metav1.ConditionTrue, v1alpha1.ReasonSuperseded,
				"PersistentVolumeClaim shop/late: the application has no such claim on dr2, where it runs"),
			condition(v1alpha1.ConditionDataProtected, metav1.ConditionTrue, v1alpha1.ReasonSuperseded, ""),
		}
	})
	app := protectedApp()
	app.Status.PrimaryCluster = "dr2"
	app.Status.Clusters[0].State, app.Status.Clusters[1].State = v1alpha1.SecondaryState, v1alpha1.PrimaryState
	return []runtime.Object{
		app, group("dr1", v1alpha1.SecondaryState), group("dr2", v1alpha1.PrimaryState),
		late, volume("dr1", "data", v1alpha1.SecondaryState), replicated(volume("dr1", "scratch", v1alpha1.SecondaryState), "", func(*v1alpha1.ProtectedPVC) {}), synced(volume("dr2", "data", v1alpha1.PrimaryState), 12*time.Second),
	}
}

func troubled() []runtime.Object {
	app := protectedApp()
	app.Status.Conditions[2] = condition(v1alpha1.ConditionProtected, metav1.ConditionFalse, "NotReplicating", "data-shop-1 on dr1 has no replication class")
	app.Status.Conditions[1] = condition(v1alpha1.ConditionPeerReady, metav1.ConditionUnknown, "NotConnected", "dr2 is not connected")
	app.Status.Clusters[1].Freshness, app.Status.Clusters[1].ObservedAt = v1alpha1.Stale, ago(3*time.Minute)
	app.Status.Clusters[0].Message = "waiting for volumes"
	app.Status.Clusters[0].Epoch = 0
	primary := group("dr1", v1alpha1.PrimaryState)
	primary.Status.Conditions = []metav1.Condition{
		condition(v1alpha1.ConditionDataProtected, metav1.ConditionFalse, "Error", "1 of 2 volumes is not protected"),
		condition(v1alpha1.ConditionQuiesced, metav1.ConditionFalse, "Running", ""),
	}
	broken := volume("dr1", "data-shop-1", v1alpha1.PrimaryState)
	broken.Status.PVC.Conditions = []metav1.Condition{
		condition(v1alpha1.ConditionDataProtected, metav1.ConditionFalse, "ClassNotFound", "no VolumeReplicationClass for storage class plain"),
	}
	return []runtime.Object{
		app, primary, group("dr2", v1alpha1.SecondaryState), synced(volume("dr1", "data-shop-0", v1alpha1.PrimaryState), 90*time.Second),
		broken, volume("dr2", "data-shop-0", v1alpha1.SecondaryState),
	}
}

func failingOver() []runtime.Object {
	app, action := protectedApp(), promoting(v1alpha1.ActionFailover)
	app.Status.Phase, app.Status.Epoch, app.Status.PrimaryCluster = v1alpha1.PhaseFailingOver, 2, "dr2"
	for i := range app.Status.Conditions {
		app.Status.Conditions[i].Status, app.Status.Conditions[i].Reason = metav1.ConditionFalse, "FailingOver"
		app.Status.Conditions[i].Message = "Failover to dr2 is under way."
	}
	app.Status.CurrentAction = &v1alpha1.ActionRecord{Name: action.Name, Spec: action.Spec, Status: action.Status}
	return []runtime.Object{app, group("dr2", v1alpha1.UnknownState)}
}

func historyOf() []runtime.Object {
	failover, relocate, other := ended(v1alpha1.ActionFailover, v1alpha1.ReasonSucceeded), accepted(v1alpha1.ActionRelocate), accepted(v1alpha1.ActionFailover)
	failover.Status.AcceptedTime, failover.Status.ProtectedTime = micro(-86400), micro(0)
	failover.Status.WorkloadReadyTime, failover.Spec.Reason = micro(-86396.8), "fire"
	relocate.Status.Abort = &v1alpha1.AbortRequest{RequestedBy: "tina"}
	aborted := ended(v1alpha1.ActionFailover, v1alpha1.ReasonAborted)
	aborted.Name, aborted.Status.AcceptedTime = "taken-back", micro(-60)
	other.Name, other.Spec.DRPlacementControl = "other", "other"
	return []runtime.Object{failover, relocate, aborted, other}
}

func TestLooking(t *testing.T) {
	elsewhere := protectedApp()
	elsewhere.Namespace, elsewhere.Name = "bank", "ledger"
	elsewhere.Status = v1alpha1.DRPlacementControlStatus{}

	tests := map[string]struct {
		objects []runtime.Object
		args    []string
		code    int
	}{
		"status of a protected application": {
			objects: []runtime.Object{
				protectedApp(), group("dr1", v1alpha1.PrimaryState), group("dr2", v1alpha1.SecondaryState),
				synced(volume("dr1", "data-shop-0", v1alpha1.PrimaryState), 12*time.Second), volume("dr2", "data-shop-0", v1alpha1.SecondaryState),
			},
			args: []string{"status", "shop"},
		},
		"status of every method":           {objects: everyMethod(), args: []string{"status", "shop"}},
		"status of a former primary":       {objects: withoutItsLate(), args: []string{"status", "shop"}},
		"status of a troubled application": {objects: troubled(), args: []string{"status", "shop"}},
		"status during a failover":         {objects: failingOver(), args: []string{"status"}},
		"status of all namespaces":         {objects: []runtime.Object{protectedApp(), elsewhere}, args: []string{"status", "-A"}},
		"status of nothing":                {args: []string{"status"}},
		"status of an unknown name":        {args: []string{"status", "shop"}, code: ExitFailed},
		"status by name":                   {objects: []runtime.Object{protectedApp()}, args: []string{"status", "-o", "name"}},
		"a name in all namespaces":         {args: []string{"status", "shop", "-A"}, code: ExitFailed},
		"history of one":                   {objects: historyOf(), args: []string{"history", "shop"}},
		"history of all namespaces":        {objects: historyOf(), args: []string{"history", "-A"}},
		"history of nothing":               {args: []string{"history", "shop"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(tt.objects...)
			if code := b.run(t, t.Context(), tt.args...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			golden(t, name, b.both())
		})
	}
}

func TestCompletion(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"names":             {args: []string{"__complete", "failover", "-n", "shop", ""}, want: "shop\n:4\n"},
		"only one name":     {args: []string{"__complete", "failover", "-n", "shop", "shop", ""}, want: ":4\n"},
		"clusters to go to": {args: []string{"__complete", "failover", "-n", "shop", "shop", "--to", ""}, want: "dr2\n:4\n"},
		"acknowledgements":  {args: []string{"__complete", "failover", "-n", "shop", "shop", "--acknowledge", ""}, want: "SourceMayStillWrite\n:4\n"},
		"claims to leave behind": {
			args: []string{"__complete", "failover", "-n", "shop", "shop", "--leave-behind", ""}, want: "data-shop-0\ndata-shop-1\n:4\n",
		},
		"and further ones": {
			args: []string{"__complete", "failover", "-n", "shop", "shop", "--leave-behind", "data-shop-1,"},
			want: "data-shop-1,data-shop-0\ndata-shop-1,data-shop-1\n:4\n",
		},
		"names for the status": {args: []string{"__complete", "status", "-n", "shop", ""}, want: "shop\n:4\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			primary := group("dr1", v1alpha1.PrimaryState)
			primary.Status.ProtectedPVCs = []v1alpha1.ProtectedPVC{{Namespace: "shop", Name: "data-shop-0"}, {Namespace: "shop", Name: "data-shop-1"}}
			b := newBench(protectedApp(), primary)
			t.Setenv("KUBECONFIG", "/dev/null")
			cmd := newCommand(newTestOptions(b))
			cmd.SetArgs(tt.args)
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := b.out.String(); got != tt.want {
				t.Errorf("completed to %q, want %q", got, tt.want)
			}
		})
	}
}
