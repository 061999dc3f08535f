// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"
	"time"

	"github.com/ramendr/dr-apiserver/pkg/objectstore/objectstoretest"
)

// FuzzRead reads a capture of which every byte may be wrong. It is either not a capture, or everything in it is as its
// manifest says.
func FuzzRead(f *testing.F) {
	good := seal(f, "dr1")
	f.Add(good.manifest, good.files[VolumesFile], good.files[ObjectsFile])
	f.Add(good.manifest, good.files[ObjectsFile], good.files[VolumesFile])
	f.Add([]byte(`{"version":1,"namespace":"shop","name":"shop","epoch":3,"id":"a"}`), []byte{}, []byte{})
	f.Add([]byte(`{"version":2}`), []byte("x"), []byte(nil))
	f.Add([]byte(`null`), good.files[VolumesFile], []byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, manifest, volumes, objects []byte) {
		found := readBack(t, manifest, volumes, objects)
		if found == nil {
			return
		}
		m, err := decodeManifest(manifest)
		if err != nil {
			t.Fatalf("a capture without a manifest: %v", err)
		}
		if m.Files[VolumesFile].SHA256 != Digest(volumes) || m.Files[ObjectsFile].SHA256 != Digest(objects) {
			t.Error("what was read is not what the manifest names")
		}
		checkContent(t, found, m)
	})
}

// FuzzContent reads captures whose manifests are right and whose content may be anything.
func FuzzContent(f *testing.F) {
	f.Add([]byte(`{"volumes":[{"pv":{"metadata":{"name":"pv"}},"pvc":{"metadata":{"name":"data"}}}]}`),
		[]byte(`{"objects":[{"resource":"configmaps","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}}]}`), 1, 1)
	f.Add([]byte(`{"volumes":null}`), []byte(`{"objects":[{"resource":"configmaps"}]}`), 0, 1)
	f.Add([]byte(`{}`), []byte(`{"objects":[{"resource":"x","object":{"kind":"List","items":[{}]}}]}`), 0, 1)
	f.Add([]byte(`[]`), []byte(`null`), 0, 0)
	f.Add([]byte(`{"volumes":[{}]}`), []byte(`{"objects":[{"object":{"kind":1}}]}`), 2, -1)
	f.Fuzz(func(t *testing.T, volumes, objects []byte, volumeCount, objectCount int) {
		m := Manifest{Version: manifestVersion, Namespace: shop.Namespace, Name: shop.Name, Epoch: 3, ID: "a",
			Volumes: volumeCount, Objects: objectCount, Files: map[string]File{}}
		files := map[string][]byte{}
		for name, content := range map[string][]byte{VolumesFile: volumes, ObjectsFile: objects} {
			files[name] = compress(t, content)
			m.Files[name] = File{Size: len(files[name]), SHA256: Digest(files[name])}
		}
		manifest, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if found := readBack(t, manifest, files[VolumesFile], files[ObjectsFile]); found != nil {
			checkContent(t, found, m)
		}
	})
}

// FuzzKeys takes keys that others may have put into the bucket. One that is taken for a capture's is the one that the
// capture would be read from.
func FuzzKeys(f *testing.F) {
	for _, seed := range []string{
		"shop/shop/0000000003/a/manifest.json", "shop/shop/3/a/manifest.json", "shop/shop/0000000003/../manifest.json",
		"shop/shop/-000000001/a/manifest.json", "shop/shop//a/b", "shop/shop/0000000003//manifest.json", "shop/shop/+000000003/./x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		ref, file, ok := shop.parseKey(key)
		if ok && shop.key(ref, file) != key {
			t.Errorf("%q is taken for %s of %s, which is at %q", key, file, ref, shop.key(ref, file))
		}
		for _, deleted := range superfluous(shop, []string{key, "shop/shop/0000000009/z/manifest.json"}, 9) {
			if !ok || deleted != key {
				t.Errorf("%q would be deleted", deleted)
			}
		}
	})
}

func seal(f *testing.F, cluster string) *Sealed {
	f.Helper()
	s, err := Seal(Capture{Ref: Ref{3, "a"}, Group: shop, Time: time.Unix(1, 0).UTC(), Cluster: cluster})
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// readBack puts three objects into a store and reads the capture that they may be.
func readBack(t *testing.T, manifest, volumes, objects []byte) *Found {
	t.Helper()
	m := &objectstoretest.Memory{}
	for file, content := range map[string][]byte{manifestFile: manifest, VolumesFile: volumes, ObjectsFile: objects} {
		if err := m.Put(t.Context(), shop.key(Ref{3, "a"}, file), content); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Newest(t.Context(), objectstoretest.Provider{"s3": m}, []string{"s3"}, shop, whichever)
	if err != nil {
		if !errors.Is(err, ErrNoCapture) {
			t.Errorf("not the error of a capture that is none: %v", err)
		}
		return nil
	}
	if found.Digest != Digest(manifest) || found.Ref != (Ref{3, "a"}) || found.Group != shop {
		t.Errorf("found %+v", found.Capture.Ref)
	}
	return found
}

// checkContent makes sure that what is restored is as much as the manifest says, and can be looked at.
func checkContent(t *testing.T, found *Found, m Manifest) {
	t.Helper()
	if len(found.Content.Volumes) != m.Volumes || len(found.Content.Objects) != m.Objects {
		t.Errorf("%d volumes and %d objects were read, the manifest has %d and %d",
			len(found.Content.Volumes), len(found.Content.Objects), m.Volumes, m.Objects)
	}
	for _, object := range found.Content.Objects {
		_ = object.Object.DeepCopy().GetNamespace() + object.Object.GetName() + object.Object.GroupVersionKind().String()
	}
	if _, err := Seal(found.Capture); err != nil {
		t.Errorf("it can't be written down again: %v", err)
	}
}

func compress(t *testing.T, content []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w, err := gzip.NewWriterLevel(&buffer, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}
