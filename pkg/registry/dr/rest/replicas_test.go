// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/clock"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
	"github.com/ramendr/dr-apiserver/pkg/apiserver"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/etcd"
	"github.com/ramendr/dr-apiserver/pkg/apiserver/options"
	"github.com/ramendr/dr-apiserver/pkg/hublock"
	drrest "github.com/ramendr/dr-apiserver/pkg/registry/dr/rest"
	"github.com/ramendr/dr-apiserver/pkg/testing/builder"
)

func TestOfConcurrentProtectorsOneIsAcceptedWhateverReplicaTheyAsk(t *testing.T) {
	store, err := etcd.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Stop()
	leases := fake.NewClientset().CoordinationV1().Leases("dr-system")
	var replicas []*drrest.Storage
	for range 2 {
		replica := newReplica(t, store.Endpoint())
		defer destroy(replica)
		replica.Placements.ShareNamespaces(hublock.New(leases, "", clock.RealClock{}))
		replicas = append(replicas, replica)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			namespace := fmt.Sprintf("ns-%d", i)
			if accepted := createOverlapping(t, namespace, replicas); accepted != 1 {
				t.Errorf("in %s %d were accepted", namespace, accepted)
			}
		})
	}
	group.Wait()
}

// newReplica is the storage of a server that shares its etcd with others and nothing else.
func newReplica(t *testing.T, endpoint string) *drrest.Storage {
	t.Helper()
	o := options.NewOptions().Etcd
	o.StorageConfig.Transport.ServerList = []string{endpoint}
	getter := o.CreateRESTOptionsGetter(&genericoptions.SimpleStorageFactory{StorageConfig: o.StorageConfig}, nil)
	storage, err := drrest.NewStorage(apiserver.Scheme, getter, heartbeats)
	if err != nil {
		t.Fatal(err)
	}
	return storage
}

func destroy(s *drrest.Storage) {
	for _, storage := range []rest.Storage{s.Placements, s.Actions, s.Groups, s.Policies, s.Clusters, s.ClusterConfigs} {
		storage.Destroy()
	}
}

// createOverlapping has each replica create a placement of its own at the same time, of which only one can protect the
// volumes, and returns how many were accepted.
func createOverlapping(t *testing.T, namespace string, replicas []*drrest.Storage) int {
	answers := make(chan error)
	for i, replica := range replicas {
		go func() { answers <- createPatiently(t.Context(), replica, namespace, fmt.Sprintf("of-replica-%d", i)) }()
	}
	accepted := 0
	for range replicas {
		switch err := <-answers; {
		case err == nil:
			accepted++
		case !apierrors.IsInvalid(err):
			t.Error(err)
		}
	}
	return accepted
}

// createPatiently tries again when told to, as clients do.
func createPatiently(ctx context.Context, replica *drrest.Storage, namespace, name string) error {
	ctx = genericapirequest.WithRequestInfo(genericapirequest.WithNamespace(ctx, namespace), &genericapirequest.RequestInfo{
		IsResourceRequest: true, Verb: "create", APIGroup: v1alpha1.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version,
		Namespace: namespace, Resource: "drplacementcontrols",
	})
	for {
		placement := &dr.DRPlacementControl{}
		versioned := builder.DRPC(namespace, name).Obj()
		versioned.Spec.PVCSelector.MatchLabels = map[string]string{"app": "shop"}
		if err := v1alpha1.Convert_v1alpha1_DRPlacementControl_To_dr_DRPlacementControl(versioned, placement, nil); err != nil {
			return err
		}
		if _, err := replica.Placements.Create(ctx, placement, nil, &metav1.CreateOptions{}); !apierrors.IsTooManyRequests(err) {
			return err
		}
	}
}
