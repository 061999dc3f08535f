// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ramendr/dr-apiserver/pkg/objectstore"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/objectstoretest"
)

var shop = Group{Namespace: "shop", Name: "shop"}

func sealed(t *testing.T, epoch int64, id string) *Sealed {
	t.Helper()
	s, err := Seal(Capture{
		Ref: Ref{epoch, id}, Group: shop, Time: time.Unix(1, 0).UTC(), Cluster: "dr1",
		Content: Content{
			Volumes: []Volume{{PVC: corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-" + id}}}},
			Replication: []Object{{Resource: "volumegroupreplicationcontents", Object: &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1alpha1", "kind": "VolumeGroupReplicationContent", "spec": map[string]any{"volumeGroupReplicationHandle": id},
			}}}},
			Objects: []Object{{Resource: "configmaps", Object: &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "apiVersion": "v1"}}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, store objectstore.Store, epoch int64, id string) *Sealed {
	t.Helper()
	s := sealed(t, epoch, id)
	if err := Put(t.Context(), store, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func whichever(Ref) bool { return true }

func below(epoch int64) func(Ref) bool { return func(r Ref) bool { return r.Epoch < epoch } }

func TestAManifestIsPutLast(t *testing.T) {
	m := &objectstoretest.Memory{}
	put(t, m, 3, "a")
	operations := m.Operations()
	if len(operations) != 3 || operations[2] != "put shop/shop/0000000003/a/manifest.json" {
		t.Errorf("operations: %q", operations)
	}
}

func TestACaptureThatFailedHalfwayDoesNotExist(t *testing.T) {
	for _, broken := range []string{VolumesFile, ObjectsFile, manifestFile} {
		m := &objectstoretest.Memory{}
		put(t, m, 1, "a")
		m.Fault(func(_ context.Context, operation, key string) error {
			if strings.HasSuffix(key, "b/"+broken) {
				return errors.New("broken pipe")
			}
			return nil
		})
		if err := Put(t.Context(), m, sealed(t, 1, "b")); err == nil {
			t.Errorf("%s: no error", broken)
		}
		m.Fault(nil)
		found, err := Newest(t.Context(), objectstoretest.Provider{"p": m}, []string{"p"}, shop, whichever)
		if err != nil || found.ID != "a" {
			t.Errorf("%s: found %v, %v", broken, found, err)
		}
	}
}

func TestNewestIsByEpochThenTime(t *testing.T) {
	m := &objectstoretest.Memory{}
	put(t, m, 2, "20260101T000000.000000Z-1")
	put(t, m, 10, "20250101T000000.000000Z-1")
	put(t, m, 10, "20250101T000001.000000Z-1")
	provider := objectstoretest.Provider{"p": m}
	for epoch, want := range map[int64]string{3: "20260101T000000.000000Z-1", 11: "20250101T000001.000000Z-1"} {
		found, err := Newest(t.Context(), provider, []string{"p"}, shop, below(epoch))
		if err != nil || found.ID != want {
			t.Errorf("below %d: got %v, %v", epoch, found, err)
		}
	}
	if _, err := Newest(t.Context(), provider, []string{"p"}, shop, below(2)); !errors.Is(err, ErrNoCapture) {
		t.Error(err)
	}
}

func TestADamagedCaptureIsNamedAndTheOneBeforeIsUsed(t *testing.T) {
	const dir = "shop/shop/0000000001/b/"
	for name, damage := range map[string]func(*objectstoretest.Memory){
		dir + ObjectsFile:  func(m *objectstoretest.Memory) { m.Truncate(dir+ObjectsFile, 3) },
		dir + VolumesFile:  func(m *objectstoretest.Memory) { m.Corrupt(dir + VolumesFile) },
		dir + manifestFile: func(m *objectstoretest.Memory) { m.Truncate(dir+manifestFile, 10) },
		"no such object":   func(m *objectstoretest.Memory) { _ = m.Delete(t.Context(), dir+VolumesFile) },
	} {
		t.Run(name, func(t *testing.T) {
			m, healthy := &objectstoretest.Memory{}, &objectstoretest.Memory{}
			provider := objectstoretest.Provider{"p": m, "q": healthy}
			put(t, m, 1, "a")
			put(t, m, 1, "b")
			damage(m)
			found, err := Newest(t.Context(), provider, []string{"p", "q"}, shop, whichever)
			if err != nil {
				t.Fatal(err)
			}
			if found.ID != "a" || !strings.Contains(strings.Join(found.Warnings, ";"), name) {
				t.Errorf("read %s with warnings %q", found.ID, found.Warnings)
			}
			put(t, healthy, 1, "b")
			if found, err = Newest(t.Context(), provider, []string{"p", "q"}, shop, whichever); err != nil || found.ID != "b" || found.Profile != "q" {
				t.Errorf("with an undamaged copy elsewhere: %v, %v", found, err)
			}
		})
	}
}

// objectsOf are a capture's objects in the store, by file.
func objectsOf(s *Sealed) map[string][]byte {
	objects := maps.Clone(s.files)
	objects[manifestFile] = s.manifest
	return objects
}

// replaced is a store that holds capture a, and instead of capture b the objects given.
func replaced(t *testing.T, objects map[string][]byte) objectstoretest.Provider {
	t.Helper()
	m := &objectstoretest.Memory{}
	put(t, m, 1, "a")
	for file, data := range objects {
		if err := m.Put(t.Context(), shop.key(Ref{1, "b"}, file), data); err != nil {
			t.Fatal(err)
		}
	}
	return objectstoretest.Provider{"p": m}
}

func TestNoByteOfACaptureCanBeOtherThanItWasPut(t *testing.T) {
	whole := objectsOf(sealed(t, 1, "b"))
	if found, err := Newest(t.Context(), replaced(t, whole), []string{"p"}, shop, whichever); err != nil || found.ID != "b" {
		t.Fatalf("undamaged it is not read: %+v, %v", found, err)
	}
	for file, content := range whole {
		for i := range content {
			objects := maps.Clone(whole)
			objects[file] = slices.Clone(content)
			objects[file][i] ^= 1 << (i % 8)
			found, err := Newest(t.Context(), replaced(t, objects), []string{"p"}, shop, whichever)
			if err != nil || found.ID != "a" || !strings.Contains(strings.Join(found.Warnings, ";"), shop.key(Ref{1, "b"}, "")) {
				t.Fatalf("with a bit of byte %d of %s flipped it read %+v: %v", i, file, found, err)
			}
		}
	}
}

func TestWhatBelongsToAnotherCaptureIsRefused(t *testing.T) {
	latest, before := objectsOf(sealed(t, 1, "b")), objectsOf(sealed(t, 1, "a"))
	other, err := Seal(Capture{Ref: Ref{1, "b"}, Group: Group{Namespace: "shop", Name: "other"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, objects := range map[string]map[string][]byte{
		"the two files swapped":            {VolumesFile: latest[ObjectsFile], ObjectsFile: latest[VolumesFile], manifestFile: latest[manifestFile]},
		"one file of an earlier capture":   {VolumesFile: before[VolumesFile], ObjectsFile: latest[ObjectsFile], manifestFile: latest[manifestFile]},
		"an earlier capture's manifest":    {VolumesFile: latest[VolumesFile], ObjectsFile: latest[ObjectsFile], manifestFile: before[manifestFile]},
		"the whole of an earlier capture":  before,
		"the whole of another application": objectsOf(other),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := Newest(t.Context(), replaced(t, objects), []string{"p"}, shop, whichever)
			if err != nil || found.ID != "a" || !strings.Contains(strings.Join(found.Warnings, ";"), shop.key(Ref{1, "b"}, "")) {
				t.Errorf("it read %+v: %v", found, err)
			}
		})
	}
}

func TestADeadProfileDelaysNobody(t *testing.T) {
	dead, alive := &objectstoretest.Memory{}, &objectstoretest.Memory{}
	dead.Hang()
	put(t, alive, 1, "a")
	provider := objectstoretest.Provider{"dead": dead, "alive": alive}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := time.Now()
	found, err := Newest(ctx, provider, []string{"dead", "alive"}, shop, whichever)
	if err != nil || found.Profile != "alive" || !strings.Contains(strings.Join(found.Warnings, ""), "dead") {
		t.Errorf("%v, %v", found, err)
	}
	if found, err = Read(ctx, provider, []string{"dead", "alive"}, shop, Ref{1, "a"}); err != nil || found.Profile != "alive" {
		t.Errorf("%v, %v", found, err)
	}
	if took := time.Since(start); took > 10*grace {
		t.Errorf("took %s", took)
	}
}

func TestWithoutAnyCaptureTheErrorSaysWhereWasLooked(t *testing.T) {
	broken := &objectstoretest.Memory{}
	broken.Fail(fmt.Errorf("s3 profile %q: %w", "p", objectstore.ErrForbidden))
	_, err := Newest(t.Context(), objectstoretest.Provider{"p": broken, "q": &objectstoretest.Memory{}}, []string{"p", "q"}, shop, whichever)
	if !errors.Is(err, ErrNoCapture) || !strings.Contains(err.Error(), "p, q") || !strings.Contains(err.Error(), "access denied") {
		t.Error(err)
	}
}

func TestWhatIsReadIsWhatWasPut(t *testing.T) {
	m := &objectstoretest.Memory{}
	s := put(t, m, 1, "a")
	found, err := Read(t.Context(), objectstoretest.Provider{"p": m}, []string{"p"}, shop, s.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if found.Digest != s.Digest || found.Cluster != "dr1" || !found.Time.Equal(s.Time) ||
		len(found.Content.Volumes) != 1 || found.Content.Volumes[0].PVC.Name != "data-a" ||
		len(found.Content.Objects) != 1 || found.Content.Objects[0].Object.GetKind() != "ConfigMap" {
		t.Errorf("%+v", found)
	}
}

func TestPruneKeepsTwoOfTheEpochAndOneBefore(t *testing.T) {
	m := &objectstoretest.Memory{}
	for _, c := range []struct {
		epoch int64
		id    string
	}{{1, "a"}, {2, "b"}, {2, "c"}, {3, "d"}, {3, "e"}, {3, "f"}, {4, "g"}} {
		put(t, m, c.epoch, c.id)
	}
	for _, incomplete := range []string{"shop/shop/0000000002/bb/volumes.json.gz", "shop/shop/0000000003/dd/volumes.json.gz", "shop/shop/0000000004/h/volumes.json.gz"} {
		if err := m.Put(t.Context(), incomplete, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Put(t.Context(), "shop/shopping/0000000001/a/manifest.json", nil); err != nil {
		t.Fatal(err)
	}
	if err := Prune(t.Context(), m, shop, 3); err != nil {
		t.Fatal(err)
	}
	keys, _ := m.List(t.Context(), "")
	var kept []string
	for _, key := range keys {
		if r, _, ok := shop.parseKey(key); ok && !slices.Contains(kept, r.ID) {
			kept = append(kept, r.ID)
		}
	}
	if want := []string{"c", "e", "f", "g", "h"}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
	if err := Clear(t.Context(), m, shop); err != nil {
		t.Fatal(err)
	}
	if keys, _ = m.List(t.Context(), ""); len(keys) != 1 {
		t.Errorf("after clearing: %q; another group's objects must stay", keys)
	}
}

func TestIDsSortByTimeWhateverTheClockSays(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first := NewID(now, "")
	behind := NewID(now.Add(-time.Hour), first)
	if behind <= first || NewID(now.Add(time.Hour), first) <= first {
		t.Errorf("%s is not after %s", behind, first)
	}
}
