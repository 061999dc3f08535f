// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"time"

	csiaddonsv1alpha1 "github.com/csi-addons/kubernetes-csi-addons/api/csiaddons/v1alpha1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

const (
	sidecarNamespace = "storagesim"
	sidecarName      = "storagesim"
	// annotationStarted changes when the simulator starts, which makes the manager connect anew.
	annotationStarted = "storagesim.dr.ramen.io/started"

	registerRetry  = 500 * time.Millisecond
	registerPeriod = 5 * time.Second
)

// Registration makes the csi-addons manager find the simulator: it takes a CSIAddonsNode for a sidecar, resolves its
// endpoint through the Pod of that name, and wants a Lease that says which sidecar leads.
type Registration struct {
	Client client.Client
	// Driver is the name of the CSI driver.
	Driver string
	// Port on loopback where the services are.
	Port int
}

// Run keeps the simulator registered until the context ends. The manager deletes the CSIAddonsNode of a sidecar that it
// could not reach for some seconds.
func (r *Registration) Run(ctx context.Context) {
	started := time.Now().Format(time.RFC3339Nano)
	for {
		wait := registerPeriod
		if err := r.register(ctx, started); err != nil {
			wait = registerRetry
			klog.InfoS("Not registered with csi-addons yet", "err", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (r *Registration) register(ctx context.Context, started string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sidecarNamespace}}
	if err := r.create(ctx, namespace); err != nil {
		return err
	}
	if err := r.ensurePod(ctx); err != nil {
		return err
	}
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: sidecarNamespace, Name: normalize(r.Driver) + "-csi-addons"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: ptr.To(sidecarName)},
	}
	if err := r.create(ctx, lease); err != nil {
		return err
	}
	return r.ensureNode(ctx, started)
}

func (r *Registration) create(ctx context.Context, o client.Object) error {
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(o), o)
	if apierrors.IsNotFound(err) {
		err = r.Client.Create(ctx, o)
	}
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("%T %s: %w", o, o.GetName(), err)
	}
	return nil
}

// ensurePod makes the Pod that has the address. No node runs it.
func (r *Registration) ensurePod(ctx context.Context) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: sidecarNamespace, Name: sidecarName},
		Spec: corev1.PodSpec{
			SchedulerName:                sidecarName,
			AutomountServiceAccountToken: ptr.To(false),
			Containers:                   []corev1.Container{{Name: sidecarName, Image: "none"}},
		},
	}
	if err := r.create(ctx, pod); err != nil {
		return err
	}
	address := net.IPv4(127, 0, 0, 1).String()
	if pod.Status.PodIP == address {
		return nil
	}
	pod.Status.PodIP, pod.Status.PodIPs = address, []corev1.PodIP{{IP: address}}
	return r.Client.Status().Update(ctx, pod)
}

func (r *Registration) ensureNode(ctx context.Context, started string) error {
	node := &csiaddonsv1alpha1.CSIAddonsNode{ObjectMeta: metav1.ObjectMeta{Namespace: sidecarNamespace, Name: sidecarName}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, node, func() error {
		if !node.DeletionTimestamp.IsZero() {
			return fmt.Errorf("CSIAddonsNode %s is being deleted", node.Name)
		}
		node.Spec.Driver = csiaddonsv1alpha1.CSIAddonsNodeDriver{
			Name: r.Driver, NodeID: sidecarName, EndPoint: fmt.Sprintf("pod://%s.%s:%d", sidecarName, sidecarNamespace, r.Port),
		}
		metav1.SetMetaDataAnnotation(&node.ObjectMeta, annotationStarted, started)
		return nil
	})
	return err
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9-]`)

// normalize makes a driver's name part of the name of its Lease, as the manager does.
func normalize(driver string) string { return notInNames.ReplaceAllString(driver, "-") }
