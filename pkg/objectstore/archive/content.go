// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Content is what a capture holds.
type Content struct {
	Volumes []Volume
	// Replication are objects that the volumes' replication needs where it is continued.
	Replication []Object
	Objects     []Object
	// Gone are objects that the application was restored with where the capture was taken, and that were deleted there since.
	Gone []Name
}

// Volume is a PersistentVolumeClaim and the PersistentVolume it is bound to.
type Volume struct {
	PV  corev1.PersistentVolume      `json:"pv"`
	PVC corev1.PersistentVolumeClaim `json:"pvc"`
}

// Object is one of the application's objects, with the name of its resource so that it can be created without asking
// the cluster what its kind is called.
type Object struct {
	Resource string                     `json:"resource"`
	Object   *unstructured.Unstructured `json:"object"`
}

// Name is what an object is called on every cluster: in which version its resource is served may differ.
type Name struct {
	Group    string `json:"group,omitempty"`
	Resource string `json:"resource"`
	Name     string `json:"name"`
}

func (n Name) String() string {
	return schema.GroupResource{Group: n.Group, Resource: n.Resource}.String() + "/" + n.Name
}

// Compare orders names by their resources.
func (n Name) Compare(other Name) int {
	return cmp.Or(cmp.Compare(n.Group, other.Group), cmp.Compare(n.Resource, other.Resource), cmp.Compare(n.Name, other.Name))
}

// Named returns what the object is called.
func (o Object) Named() Name {
	return Name{Group: o.Object.GroupVersionKind().Group, Resource: o.Resource, Name: o.Object.GetName()}
}

// check returns why the content is not what the manifest says there is, or can't be restored.
func (c Content) check(m Manifest) error {
	if len(c.Volumes) != m.Volumes || len(c.Objects) != m.Objects {
		return fmt.Errorf("it has %d volumes and %d objects and should have %d and %d", len(c.Volumes), len(c.Objects), m.Volumes, m.Objects)
	}
	for i, object := range slices.Concat(c.Replication, c.Objects) {
		if object.Object == nil {
			return fmt.Errorf("its object %d is missing", i)
		}
	}
	return nil
}

type volumesPart struct {
	Volumes     []Volume `json:"volumes"`
	Replication []Object `json:"replication,omitempty"`
}

type objectsPart struct {
	Objects []Object `json:"objects"`
	Gone    []Name   `json:"gone,omitempty"`
}

func pack(part any) ([]byte, error) {
	var buffer bytes.Buffer
	w, err := gzip.NewWriterLevel(&buffer, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(w).Encode(part); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

func unpack(data []byte, part any) error {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, part)
}
