// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
)

// GroupVersion is that of the custom resource.
var GroupVersion = schema.GroupVersion{Group: "storage.dr.ramen.io", Version: "v1alpha1"}

const (
	// Resource is the custom resource.
	Resource = "records"
	kind     = "Record"

	// ResourceLabel says of what kind the object in a record is: <resource>.<group>.
	ResourceLabel = "storage.dr.ramen.io/resource"

	// Names are a readable part, a dot and a hash, and no longer than a custom resource's may be.
	maxReadable = 253 - 1 - hashLength
	hashLength  = 32
)

// Record is a custom resource with one object in it. Its resourceVersion is the object's.
type Record struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Key is the object's in the store.
	Key string `json:"key"`
	// Data is the encoded object, compressed.
	Data []byte `json:"data,omitempty"`
}

// RecordList is a list of them.
type RecordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Record `json:"items"`
}

// DeepCopyObject copies the record.
func (r *Record) DeepCopyObject() runtime.Object {
	out := *r
	r.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Data = append([]byte(nil), r.Data...)
	return &out
}

// DeepCopyObject copies the list.
func (l *RecordList) DeepCopyObject() runtime.Object {
	out := *l
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]Record, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*Record)
	}
	return &out
}

var codecs = func() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(GroupVersion, &Record{}, &RecordList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return serializer.NewCodecFactory(scheme)
}()

// recordName is the name of the record in which the object of that key is. Keys may be longer than names and may have other
// characters, so what tells names apart is the hash; the rest is for people.
func recordName(key string) string {
	sum := sha256.Sum256([]byte(key))
	hash := hex.EncodeToString(sum[:])[:hashLength]
	readable := strings.ReplaceAll(strings.Trim(key, "/"), "/", ".")
	if len(readable) > maxReadable {
		readable = strings.TrimRight(readable[:maxReadable], "-.")
	}
	if len(validation.IsDNS1123Subdomain(readable)) > 0 {
		return hash
	}
	return readable + "." + hash
}
