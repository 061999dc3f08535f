// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	informers "github.com/ramendr/dr-apiserver/pkg/generated/informers/externalversions/dr/v1alpha1"
)

// hub is the agent's view of the hub: the groups of its own cluster, and nothing else.
type hub struct {
	client   versioned.Interface
	informer cache.SharedIndexInformer
}

// newHub watches the groups of one cluster. An agent may ask for no others.
func newHub(client versioned.Interface, cluster string) *hub {
	own := fields.OneTermEqualSelector("spec.clusterName", cluster).String()
	return &hub{
		client: client,
		informer: informers.NewFilteredVolumeReplicationGroupInformer(client, metav1.NamespaceAll, 0, cache.Indexers{},
			func(options *metav1.ListOptions) { options.FieldSelector = own }),
	}
}

// group returns a group as the hub had it last; nil if it is not known, for the hub has no such group or could not be
// asked yet.
func (h *hub) group(key types.NamespacedName) *v1alpha1.VolumeReplicationGroup {
	object, exists, err := h.informer.GetStore().GetByKey(key.String())
	if err != nil || !exists {
		return nil
	}
	return object.(*v1alpha1.VolumeReplicationGroup)
}

// known says whether the hub has told what groups there are, since the agent started. It is a check of /readyz: the agent
// goes on protecting without.
func (h *hub) known(*http.Request) error {
	if !h.informer.HasSynced() {
		return errors.New("the hub has not told yet which VolumeReplicationGroups this cluster has")
	}
	return nil
}

// PatchStatus implements status.Patcher.
func (h *hub) PatchStatus(ctx context.Context, key types.NamespacedName, patch []byte) (*v1alpha1.VolumeReplicationGroup, error) {
	return h.client.DrV1alpha1().VolumeReplicationGroups(key.Namespace).Patch(ctx, key.Name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: mark.Agent}, "status")
}

// release takes the agent's finalizer off a group that is being deleted.
func (h *hub) release(ctx context.Context, group *v1alpha1.VolumeReplicationGroup) error {
	if !slices.Contains(group.Finalizers, v1alpha1.AgentFinalizer) {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(group.Finalizers), func(f string) bool { return f == v1alpha1.AgentFinalizer })
	finalizers, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"finalizers":%s}}`, group.ResourceVersion, finalizers)
	_, err = h.client.DrV1alpha1().VolumeReplicationGroups(group.Namespace).Patch(ctx, group.Name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: mark.Agent})
	if err != nil {
		return fmt.Errorf("taking finalizer %s off VolumeReplicationGroup %s/%s: %w", v1alpha1.AgentFinalizer, group.Namespace, group.Name, err)
	}
	return nil
}
