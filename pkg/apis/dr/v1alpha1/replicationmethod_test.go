// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "testing"

func TestAMethodSaysWhoReplicatesAndWhetherVolumesAreReplicatedTogether(t *testing.T) {
	t.Parallel()
	type facts struct{ byStorage, byVolSync, grouped bool }
	for method, want := range map[ReplicationMethod]facts{
		MethodVolumeReplication:      {byStorage: true},
		MethodVolumeGroupReplication: {byStorage: true, grouped: true},
		MethodVolSync:                {byVolSync: true},
		MethodVolSyncGroup:           {byVolSync: true, grouped: true},
		MethodShared:                 {},
		"":                           {},
	} {
		if is := (facts{method.ByStorage(), method.ByVolSync(), method.Grouped()}); is != want {
			t.Errorf("%q: %+v, want %+v", method, is, want)
		}
	}
}
