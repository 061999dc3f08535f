// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// Reasons why a volume can't be replicated by VolSync.
const (
	ReasonNoVolSync       = "NoVolSync"
	ReasonNoSnapshotClass = "NoVolumeSnapshotClass"
)

const defaultSnapshotClass = "snapshot.storage.kubernetes.io/is-default-class"

// Class implements replication.Backend: the VolumeSnapshotClass of the volume.
func (b *Backend) Class(v replication.Volume) (string, *replication.Problem) {
	if problem := replication.CSI(v); problem != nil {
		return "", problem
	}
	if !b.Present() {
		return "", &replication.Problem{Reason: ReasonNoVolSync, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s is to be replicated by VolSync, which is not installed on %s; install it, with the CRDs of snapshots", v.Key(), v.Rules.Cluster)}
	}
	if _, problem := replication.PeerClass(v); problem != nil {
		return "", problem
	}
	classes, err := b.snapshotClasses(context.Background())
	if err == nil {
		class, fits := chooseSnapshotClass(v.Provisioner(), storageID(v.StorageClass), v.Rules.SnapshotSelector, classes)
		if fits {
			return class, nil
		}
		err = fmt.Errorf("there is no VolumeSnapshotClass of driver %s%s; create one on this cluster", v.Provisioner(), describeSelector(v.StorageClass, v.Rules.SnapshotSelector))
	}
	return "", &replication.Problem{Reason: ReasonNoSnapshotClass, Message: fmt.Sprintf("PersistentVolumeClaim %s: %v", v.Key(), err)}
}

func (b *Backend) snapshotClasses(ctx context.Context) ([]snapshotv1.VolumeSnapshotClass, error) {
	var classes snapshotv1.VolumeSnapshotClassList
	if err := b.Reader.List(ctx, &classes); err != nil {
		return nil, fmt.Errorf("listing VolumeSnapshotClasses: %w", err)
	}
	return classes.Items, nil
}

func storageID(class *storagev1.StorageClass) string {
	if class == nil {
		return ""
	}
	return class.Labels[v1alpha1.LabelStorageID]
}

func describeSelector(class *storagev1.StorageClass, selector labels.Selector) string {
	text := ""
	if id := storageID(class); id != "" {
		text += fmt.Sprintf(", label %s=%s", v1alpha1.LabelStorageID, id)
	}
	if selector != nil && !selector.Empty() {
		text += fmt.Sprintf(", labels %s", selector)
	}
	return text
}

// driverClass is a class of a driver's snapshots.
type driverClass struct {
	metav1.Object
	driver string
}

// chooseSnapshotClass is the class of the volume's driver and storage that the group may use; the default one before others.
func chooseSnapshotClass(driver, storage string, selector labels.Selector, classes []snapshotv1.VolumeSnapshotClass) (string, bool) {
	of := make([]driverClass, 0, len(classes))
	for i := range classes {
		of = append(of, driverClass{&classes[i], classes[i].Driver})
	}
	return chooseClass(driver, storage, selector, of)
}

func chooseClass(driver, storage string, selector labels.Selector, classes []driverClass) (string, bool) {
	fitting := slices.DeleteFunc(classes, func(c driverClass) bool {
		id := c.GetLabels()[v1alpha1.LabelStorageID]
		return c.driver != driver || storage != "" && id != "" && id != storage || selector != nil && !selector.Matches(labels.Set(c.GetLabels()))
	})
	if len(fitting) == 0 {
		return "", false
	}
	slices.SortFunc(fitting, func(a, b driverClass) int {
		return cmp.Or(
			cmp.Compare(b.GetLabels()[v1alpha1.LabelStorageID], a.GetLabels()[v1alpha1.LabelStorageID]),
			cmp.Compare(b.GetAnnotations()[defaultSnapshotClass], a.GetAnnotations()[defaultSnapshotClass]),
			cmp.Compare(a.GetName(), b.GetName()))
	})
	return fitting[0].GetName(), true
}

// destinationClass is the VolumeSnapshotClass for what is received into a StorageClass, or why there is none.
func (b *Backend) destinationClass(ctx context.Context, name string, selector labels.Selector) (class, problem string, err error) {
	sc := &storagev1.StorageClass{}
	if err := b.Reader.Get(ctx, client.ObjectKey{Name: name}, sc); apierrors.IsNotFound(err) {
		return "", fmt.Sprintf("there is no StorageClass %q on this cluster; create it", name), nil
	} else if err != nil {
		return "", "", fmt.Errorf("reading StorageClass %s: %w", name, err)
	}
	classes, err := b.snapshotClasses(ctx)
	if err != nil {
		return "", "", err
	}
	class, fits := chooseSnapshotClass(sc.Provisioner, storageID(sc), selector, classes)
	if !fits {
		return "", fmt.Sprintf("there is no VolumeSnapshotClass of driver %s%s; create one on this cluster", sc.Provisioner, describeSelector(sc, selector)), nil
	}
	return class, "", nil
}
