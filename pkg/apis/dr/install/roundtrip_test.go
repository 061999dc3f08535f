// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeserializer "k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/randfill"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
)

// fuzzed keeps random objects to what a decoded one can be: defaults are there, and times are as precise as they are written.
func fuzzed(runtimeserializer.CodecFactory) []any {
	return []any{
		func(spec *dr.DRPolicySpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			if len(spec.DRClusters) == 0 {
				spec.DRClusterSet = nil
			}
		},
		func(protection *dr.KubeObjectProtection, c randfill.Continue) {
			c.FillNoCustom(protection)
			if protection.CaptureInterval == nil {
				protection.CaptureInterval = &metav1.Duration{Duration: 5 * time.Minute}
			}
		},
	}
}

func TestEveryVersionSaysTheSame(t *testing.T) {
	roundtrip.RoundTripTestForAPIGroup(t, Install, fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fuzzed))
}
