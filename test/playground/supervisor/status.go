// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
	"github.com/ramendr/dr-apiserver/test/playground/objects"
	"github.com/ramendr/dr-apiserver/test/playground/process"
)

// Status of the playground.
type Status struct {
	// Up says that everything runs and nothing is cut.
	Up             bool             `json:"up"`
	InstantStorage bool             `json:"instantStorage"`
	Processes      []process.Status `json:"processes"`
	Partitioned    []string         `json:"partitioned"`
	S3             []S3Status       `json:"s3"`
	DRClusters     []ClusterStatus  `json:"drClusters"`
	Applications   []Application    `json:"applications"`
	// Hub says why nothing is known of DRClusters and applications.
	Hub string `json:"hub,omitempty"`
}

// S3Status is how an object store behaves towards its users.
type S3Status struct {
	Profile string       `json:"profile"`
	Mode    network.Mode `json:"mode"`
}

// ClusterStatus is what the hub says of a DRCluster.
type ClusterStatus struct {
	Name      string `json:"name"`
	Validated string `json:"validated"`
	Connected string `json:"connected"`
}

// Application is what the hub says of a DRPlacementControl.
type Application struct {
	Namespace      string `json:"namespace"`
	Name           string `json:"name"`
	Phase          string `json:"phase"`
	PrimaryCluster string `json:"primaryCluster"`
	Protected      string `json:"protected"`
}

// statusTimeout is how long status waits for the hub.
const statusTimeout = 3 * time.Second

var drpcs = schema.GroupVersionResource{Group: "dr.ramen.io", Version: "v1alpha1", Resource: "drplacementcontrols"}

// Status reports everything that runs, and what the hub knows.
func (s *Supervisor) Status(ctx context.Context) Status {
	status := Status{
		Up: s.isUp(), InstantStorage: s.state.instantStorage(), Partitioned: s.links.partitioned(),
		Processes: []process.Status{}, DRClusters: []ClusterStatus{}, Applications: []Application{},
	}
	for _, name := range allClusters {
		for _, p := range s.clusters[name].list() {
			status.Processes = append(status.Processes, p.Status())
		}
	}
	for _, name := range managedClusters {
		status.S3 = append(status.S3, S3Status{Profile: component.Profile(name), Mode: s.links.s3Mode(name)})
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if err := s.askHub(ctx, &status); err != nil {
		status.Hub = err.Error()
	}
	return status
}

func (s *Supervisor) askHub(ctx context.Context, status *Status) error {
	config, err := s.clusters[hub].client()
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	clusters, err := client.Resource(drClusters).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, item := range clusters.Items {
		status.DRClusters = append(status.DRClusters, ClusterStatus{
			Name: item.GetName(), Validated: condition(&item, "Validated"), Connected: condition(&item, "Connected"),
		})
	}
	applications, err := client.Resource(drpcs).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, item := range applications.Items {
		phase, _, _ := unstructured.NestedString(item.Object, "status", "phase")
		primary, _, _ := unstructured.NestedString(item.Object, "status", "primaryCluster")
		status.Applications = append(status.Applications, Application{
			Namespace: item.GetNamespace(), Name: item.GetName(), Phase: phase,
			PrimaryCluster: primary, Protected: condition(&item, "Protected"),
		})
	}
	return nil
}

func condition(object *unstructured.Unstructured, name string) string {
	status, _ := objects.Condition(object, name)
	return string(status)
}
