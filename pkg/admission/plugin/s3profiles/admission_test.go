// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package s3profiles

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/warning"

	"github.com/ramendr/dr-apiserver/pkg/admission/admissiontest"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/config"
)

func plugin(t *testing.T) *Plugin {
	t.Helper()
	p := New()
	if p.ValidateInitialization() == nil {
		t.Error("it would do without a configuration")
	}
	p.SetProfiles(&config.Config{S3StoreProfiles: []config.S3StoreProfile{{S3ProfileName: "east"}, {S3ProfileName: "west"}}})
	if err := p.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnObjectStoreIsInTheConfiguration(t *testing.T) {
	for profile, refused := range map[string][]string{
		"east": nil,
		"mars": {"spec.s3ProfileName", "mars", "which has east, west", "correct the name"},
	} {
		cluster := &dr.DRCluster{ObjectMeta: metav1.ObjectMeta{Name: "dr1"}, Spec: dr.DRClusterSpec{S3ProfileName: profile}}
		admissiontest.Expect(t, plugin(t).Validate(t.Context(), admissiontest.Attributes("drclusters", cluster, nil), nil), refused)
	}
}

func TestAGroupsObjectStoresAreItsAgents(t *testing.T) {
	warnings := &admissiontest.Warnings{}
	ctx := warning.WithWarningRecorder(t.Context(), warnings)
	group := &dr.VolumeReplicationGroup{Spec: dr.VolumeReplicationGroupSpec{ClusterName: "dr1", S3Profiles: []string{"east", "mars"}}}
	admissiontest.Expect(t, plugin(t).Validate(ctx, admissiontest.Attributes("volumereplicationgroups", group, nil), nil), nil)
	warnings.Expect(t, "spec.s3Profiles[1]", "mars", "dr1")
}
