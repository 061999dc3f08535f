// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package install

import (
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	runtimeserializer "k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/randfill"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
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

// TestNothingIsLostInJSONAndCBOR tries every kind and list there is, and the options that requests have in their bodies, as
// clients without types do: both encodings are read as the same unstructured object. There is no protobuf of these types.
func TestNothingIsLostInJSONAndCBOR(t *testing.T) {
	scheme := installed()
	options := sets.New[schema.GroupVersionKind]()
	for _, kind := range []string{"CreateOptions", "UpdateOptions", "PatchOptions"} {
		options.Insert(v1alpha1.SchemeGroupVersion.WithKind(kind))
	}
	roundtrip.RoundtripToUnstructured(t, scheme, fuzzed, nil, options)
}

func TestNothingIsLostInYAML(t *testing.T) {
	scheme := installed()
	codecs := runtimeserializer.NewCodecFactory(scheme)
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fuzzed), rand.NewSource(rand.Int63()), codecs)
	yaml := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	codec := codecs.CodecForVersions(yaml, yaml, v1alpha1.SchemeGroupVersion, dr.SchemeGroupVersion)
	for _, kind := range kinds(scheme) {
		t.Run(kind, func(t *testing.T) {
			for range *roundtrip.FuzzIters {
				object, err := scheme.New(dr.SchemeGroupVersion.WithKind(kind))
				if err != nil {
					t.Fatal(err)
				}
				filler.Fill(object)
				object.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
				written, err := runtime.Encode(codec, object)
				if err != nil {
					t.Fatal(err)
				}
				read, err := runtime.Decode(codec, written)
				if err != nil {
					t.Fatal(err)
				}
				if !apiequality.Semantic.DeepEqual(object, read) {
					t.Fatalf("%s\nis read with a difference:\n%s", written, cmp.Diff(object, read))
				}
			}
		})
	}
}

// TestWhatThereIsInOneVersionIsInTheOther keeps the tests above from passing over a kind.
func TestWhatThereIsInOneVersionIsInTheOther(t *testing.T) {
	scheme := installed()
	external := scheme.KnownTypes(v1alpha1.SchemeGroupVersion)
	for _, kind := range kinds(scheme) {
		if _, ok := external[kind]; !ok {
			t.Errorf("%s is internal only", kind)
		}
		delete(external, kind)
	}
	for kind, goType := range external {
		if goType.PkgPath() == reflect.TypeFor[v1alpha1.DRPolicy]().PkgPath() {
			t.Errorf("%s is external only", kind)
		}
	}
}

// kinds are those of the group and their lists.
func kinds(scheme *runtime.Scheme) []string {
	known := scheme.KnownTypes(dr.SchemeGroupVersion)
	delete(known, "WatchEvent")
	return slices.Sorted(maps.Keys(known))
}

func installed() *runtime.Scheme {
	scheme := runtime.NewScheme()
	Install(scheme)
	return scheme
}
