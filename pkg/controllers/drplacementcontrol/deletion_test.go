// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package drplacementcontrol

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

func TestDeletion(t *testing.T) {
	deleting := func(f Facts) Facts {
		f.Placement = f.Placement.DeepCopy()
		f.Placement.DeletionTimestamp = &metav1.Time{Time: now}
		return f
	}
	going := func(cluster string) *v1alpha1.VolumeReplicationGroup {
		group := deployed().Groups[cluster]
		group.DeletionTimestamp = &metav1.Time{Time: now}
		return group
	}
	for name, test := range map[string]struct {
		facts    func() Facts
		deletes  []string
		releases []string
		removed  bool
		says     string
	}{
		"the secondary goes first": {
			facts: deployed, deletes: []string{"shop.dr2"}, says: "Waits for cluster dr2",
		},
		"the primary stays while the secondary goes": {
			facts: func() Facts {
				f := deployed()
				f.Groups[dr2] = going(dr2)
				return f
			}, says: "Waits for cluster dr2 to take protection off; the application",
		},
		"a disconnected cluster is waited for, and how to give it up is said": {
			facts: func() Facts {
				f := deployed()
				f.Groups[dr2], f.Clusters[dr2] = going(dr2), lost(dr2)
				return f
			}, says: "take the finalizer dr.ramen.io/agent off VolumeReplicationGroup shop.dr2",
		},
		"a cluster that was given up is not waited for": {
			facts: func() Facts {
				f := deployed()
				f.Groups[dr2], f.Clusters[dr2] = going(dr2), givenUp(lost(dr2))
				return f
			}, releases: []string{"shop.dr2"},
		},
		"a cluster that is gone is not waited for": {
			facts: func() Facts {
				f := deployed()
				f.Groups[dr2] = going(dr2)
				delete(f.Clusters, dr2)
				return f
			}, releases: []string{"shop.dr2"},
		},
		"the primary goes last": {
			facts: func() Facts {
				f := deployed()
				delete(f.Groups, dr2)
				return f
			}, deletes: []string{"shop.dr1"}, says: "Waits for cluster dr1",
		},
		"the finalizer goes when no group is left": {
			facts: func() Facts {
				f := deployed()
				f.Groups = nil
				return f
			}, removed: true,
		},
		"groups made by hand are nobody's to delete": {
			facts: func() Facts {
				f := deployed()
				f.Groups = map[string]*v1alpha1.VolumeReplicationGroup{dr1: vrg(dr1).Unlabelled().Primary(1, "").Obj()}
				return f
			}, removed: true,
		},
		"a missing policy keeps nobody": {
			facts: func() Facts {
				f := deployed()
				f.Policy = nil
				return f
			}, deletes: []string{"shop.dr2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := Decide(deleting(test.facts()))
			if !slices.Equal(names(d.Delete), test.deletes) || !slices.Equal(names(d.Release), test.releases) || d.RemoveFinalizer != test.removed {
				t.Errorf("delete %v, release %v, remove the finalizer %v", names(d.Delete), names(d.Release), d.RemoveFinalizer)
			}
			if len(d.Create)+len(d.Update) > 0 {
				t.Error("something was commanded")
			}
			for _, group := range d.Release {
				if slices.Contains(group.Finalizers, v1alpha1.AgentFinalizer) {
					t.Error("the finalizer is still there")
				}
			}
			if d.Status.Phase != v1alpha1.PhaseDeleting {
				t.Errorf("phase is %s", d.Status.Phase)
			}
			checkCondition(t, d, v1alpha1.ConditionProtected, metav1.ConditionFalse, "Deleting", test.says)
		})
	}
}

func TestDeletionWaitsForTheActionUnderWay(t *testing.T) {
	f := accepted(deployed(), relocate)
	f.Placement.DeletionTimestamp = &metav1.Time{Time: now}
	d := Decide(f)
	checkCommands(t, "update", d.Update, []string{commandOf(vrg(dr1).Secondary(2, v1alpha1.VRGActionRelocate))})
	if len(d.Delete) > 0 {
		t.Errorf("deleted %v while the application was between two clusters", names(d.Delete))
	}
	f.Clusters[dr2] = givenUp(lost(dr2))
	d = Decide(f)
	if result(d) != v1alpha1.ReasonFailed || !slices.Equal(names(d.Delete), []string{"shop.dr2"}) {
		t.Errorf("an action whose target was given up: %s, delete %v", result(d), names(d.Delete))
	}
}

func names(groups []*v1alpha1.VolumeReplicationGroup) []string {
	var all []string
	for _, group := range groups {
		all = append(all, group.Name)
	}
	return all
}
