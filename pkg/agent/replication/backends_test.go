// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package replication

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// known is a backend that replicates volumes already, or can't say.
type known struct {
	Backend
	method v1alpha1.ReplicationMethod
	state  *State
	err    error
}

func (k known) Method() v1alpha1.ReplicationMethod          { return k.method }
func (k known) Report(types.NamespacedName) (*State, error) { return k.state, k.err }
func (k known) Class(v Volume) (string, *Problem)           { return "class-of-" + string(k.method), Bound(v) }

// explaining is a backend that says what volumes without a state wait for.
type explaining struct{ known }

func (explaining) Awaited(types.NamespacedName) string { return "the storage" }

func TestWhatAVolumeWaitsForIsAskedWhileItHasNoState(t *testing.T) {
	const method = v1alpha1.MethodVolumeGroupReplication
	for _, tc := range []struct {
		state *State
		want  string
	}{{nil, "the storage"}, {&State{Wanted: Primary}, ""}} {
		choice, err := Backends{explaining{known{method: method, state: tc.state}}}.Choose(volumeOf("fast"), method)
		if err != nil || choice.Awaited != tc.want {
			t.Errorf("state %+v: awaits %q, %v; want %q", tc.state, choice.Awaited, err, tc.want)
		}
	}
}

func volumeOf(class string, peers ...v1alpha1.PeerClass) Volume {
	return Volume{
		PVC: &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data"},
			Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: ptr.To(class)},
		},
		PV:           &corev1.PersistentVolume{},
		StorageClass: &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.LabelStorageID: "one"}}},
		Rules:        Rules{Cluster: "dr1", Async: true, PeersRequired: true, Peers: peers},
	}
}

func TestHowAVolumeIsReplicatedIsChosenOnce(t *testing.T) {
	const array, copier = v1alpha1.MethodVolumeReplication, v1alpha1.MethodVolSync
	peer := func(method v1alpha1.ReplicationMethod) v1alpha1.PeerClass {
		return v1alpha1.PeerClass{StorageClassName: "fast", Method: method, StorageID: []string{"one", "two"}, Clusters: []string{"dr1", "dr2"}}
	}
	elsewhere := peer(array)
	elsewhere.StorageID = []string{"three", "two"}
	byHand := volumeOf("fast")
	byHand.Rules.PeersRequired = false
	state := &State{Wanted: Primary}
	for name, tc := range map[string]struct {
		volume       Volume
		noted        v1alpha1.ReplicationMethod
		copied       *State
		want         v1alpha1.ReplicationMethod
		state        *State
		reason, says string
	}{
		"as the peer class of its storage class says":        {volume: volumeOf("fast", peer(copier)), want: copier},
		"a peer class of an early version":                   {volume: volumeOf("fast", peer("")), want: array},
		"what was noted stays, whatever the peer class says": {volume: volumeOf("fast", peer(array)), noted: copier, want: copier},
		"also without any peer class":                        {volume: volumeOf("fast"), noted: copier, want: copier},
		"who replicates it already goes on":                  {volume: volumeOf("fast", peer(array)), copied: state, want: copier, state: state},
		"what was noted wins over who replicates it":         {volume: volumeOf("fast", peer(copier)), noted: array, copied: state, want: array},
		"a storage class without a peer":                     {volume: volumeOf("slow", peer(copier)), reason: ReasonNoPeerClass, says: `"slow"`},
		"a storage class that is on another storage by now":  {volume: volumeOf("fast", elsewhere), reason: ReasonNoPeerClass, says: `"one"`},
		"a group that needs no peer classes":                 {volume: byHand, want: array},
		"a method of a later version":                        {volume: volumeOf("fast", peer("Teleport")), reason: ReasonUnknownMethod, says: "the agent of dr1"},
		"a method of a later version that was noted":         {volume: volumeOf("fast", peer(array)), noted: "Teleport", reason: ReasonUnknownMethod, says: "Teleport"},
	} {
		t.Run(name, func(t *testing.T) {
			backends := Backends{known{method: array}, known{method: copier, state: tc.copied}}
			got, err := backends.Choose(tc.volume, tc.noted)
			if err != nil {
				t.Fatal(err)
			}
			if tc.reason != "" {
				if got.Problem == nil || got.Problem.Reason != tc.reason || !strings.Contains(got.Problem.Message, tc.says) || got.Method != "" {
					t.Errorf("chosen is %+v, %+v", got, got.Problem)
				}
				return
			}
			if got.Method != tc.want || got.Class != "class-of-"+string(tc.want) || got.State != tc.state || got.Problem != nil {
				t.Errorf("chosen is %+v, %+v", got, got.Problem)
			}
		})
	}
}

func TestNothingIsChosenWhileItIsNotKnownWhoReplicatesAVolume(t *testing.T) {
	unsure := errors.New("the cache is not there")
	backends := Backends{known{method: v1alpha1.MethodVolSync, err: unsure}, known{method: v1alpha1.MethodVolumeReplication}}
	v := volumeOf("fast", v1alpha1.PeerClass{StorageClassName: "fast"})
	if _, err := backends.Choose(v, ""); !errors.Is(err, unsure) {
		t.Errorf("got %v", err)
	}
	if got, err := backends.Choose(v, v1alpha1.MethodVolumeReplication); err != nil || got.Method != v1alpha1.MethodVolumeReplication {
		t.Errorf("a volume that has nothing to do with it: %+v, %v", got, err)
	}
}

func TestThePeerOfAVolumeIsTheOtherClusterOfItsPeerClass(t *testing.T) {
	peer := v1alpha1.PeerClass{StorageClassName: "fast", Clusters: []string{"dr1", "dr2"}}
	if got := PeerCluster(volumeOf("fast", peer)); got != "dr2" {
		t.Errorf("of dr1 it is %q", got)
	}
	there := volumeOf("fast", peer)
	there.Rules.Cluster = "dr2"
	if got := PeerCluster(there); got != "dr1" {
		t.Errorf("of dr2 it is %q", got)
	}
	if got := PeerCluster(volumeOf("slow", peer)); got != "" {
		t.Errorf("without a peer class it is %q", got)
	}
}
