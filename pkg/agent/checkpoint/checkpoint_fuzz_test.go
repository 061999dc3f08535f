// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// FuzzDecode reads what may have become of a checkpoint. One that is taken for a checkpoint is that of its ConfigMap's
// group, knows which command was accepted last, and never lets an older one be carried out.
func FuzzDecode(f *testing.F) {
	f.Add("shop.shop.dr1", `{"namespace":"shop","name":"shop.dr1","captureName":"shop","generation":1,"spec":{"replicationState":"primary","pvcSelector":{},"s3Profiles":null,"epoch":1},"history":[{"epoch":1,"state":"primary","time":null}]}`, int64(1))
	f.Add("shop.shop.dr1", `{"namespace":"shop","name":"shop.dr1","spec":{"epoch":5},"history":[{"epoch":3,"state":"secondary","action":"Relocate"}]}`, int64(4))
	f.Add("shop.shop.dr1", `{"namespace":"shop","name":"other","history":[{"epoch":1}],"spec":{"epoch":1}}`, int64(1))
	for _, damaged := range []string{"", "null", "{}", "[]", `{"history":[{}]}`, `{"history":null,"spec":{"replicationState":"primary"}}`,
		`{"lastCapture":{},"token":{"volumes":null}}`, `{"history":[{"time":"x"}]}`} {
		f.Add(".", damaged, int64(2))
	}
	f.Fuzz(func(t *testing.T, name, data string, epoch int64) {
		found, err := decode(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{dataKey: data}})
		if err != nil {
			return
		}
		c := found.checkpoint
		if configMapName(c.Key()) != name {
			t.Errorf("ConfigMap %s has the checkpoint of %s", name, c.Key())
		}
		current := c.Current()
		if current.Epoch != c.Spec.Epoch || current.State != c.Spec.ReplicationState || current.Action != c.Spec.Action {
			t.Errorf("its last role is %+v, but its command %+v", current, c.Spec)
		}
		group := &v1alpha1.VolumeReplicationGroup{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.Name, UID: types.UID("new")},
			Spec:       v1alpha1.VolumeReplicationGroupSpec{ReplicationState: v1alpha1.Secondary, Epoch: epoch, Action: v1alpha1.VRGActionFailover},
		}
		next, refusal := Accept(c, group, "dr1", time.Unix(1, 0))
		if epoch < current.Epoch && refusal == nil {
			t.Errorf("a command of epoch %d is accepted after one of epoch %d", epoch, current.Epoch)
		}
		written, err := json.Marshal(next)
		if err != nil {
			t.Fatalf("it can't be written: %v", err)
		}
		again, err := decode(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{dataKey: string(written)}})
		if err != nil {
			t.Fatalf("it can't be read any more: %v\n%s", err, written)
		}
		if !equality.Semantic.DeepEqual(again.checkpoint.History, next.History) {
			t.Errorf("it remembers\n%+v, and written down\n%+v", next.History, again.checkpoint.History)
		}
	})
}
