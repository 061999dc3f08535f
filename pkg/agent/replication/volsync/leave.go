// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ramendr/dr-apiserver/pkg/agent/mark"
	"github.com/ramendr/dr-apiserver/pkg/agent/replication"
)

// Leave implements replication.Restorer: the image that the claim would be made of is nobody's from now on, so that it outlives
// what is received by the claim's name. There may be no other copy.
func (b *Backend) Leave(ctx context.Context, r replication.Restoration) error {
	if !b.Present() {
		return nil
	}
	p, err := b.survey(ctx, r)
	if err != nil {
		return err
	}
	image := p.kept
	if image == nil {
		image = p.image
	}
	if image == nil || p.left {
		return nil
	}
	left := nobodys(keep(r.Group, image, r.Claim.Name, ""), r.Epoch)
	return wrap(client.IgnoreNotFound(b.Client.Update(ctx, left)), "leaving behind", left)
}

// nobodys takes off an image what says whose it is. It says of which claim it is still, and in which epoch that was left behind.
func nobodys(image *snapshotv1.VolumeSnapshot, epoch int64) *snapshotv1.VolumeSnapshot {
	delete(image.Labels, mark.ManagedBy)
	for _, key := range []string{mark.Owner, annotationEpoch, annotationGroup, annotationCycle, annotationMembers} {
		delete(image.Annotations, key)
	}
	image.Annotations[annotationLeft] = strconv.FormatInt(epoch, 10)
	return image
}

// left tells whether an image of a claim was left behind already.
func (f *Facts) left(r replication.Restoration) bool {
	for _, s := range f.Snapshots {
		if s.Annotations[annotationClaim] == r.Claim.Name && s.Annotations[annotationLeft] == strconv.FormatInt(r.Epoch, 10) {
			return true
		}
	}
	return false
}

// leftAsItIs tells whether there is an image of what a claim held when the application was failed over without it, which is nobody's,
// and has one made if there is none. What was made anew elsewhere by the claim's name is about to be received into it.
func (p *planner) leftAsItIs(c *Claim) bool {
	if !slices.Contains(p.Left, c.Name) {
		return true
	}
	image := nobodys(origin(p.Group, c), p.Epoch)
	image.Name = leftImage(c.Name, p.Epoch)
	if made := p.Snapshots[image.Name]; made != nil {
		return ready(made)
	}
	p.out.Create = append(p.out.Create, image)
	return false
}

// leftImage is the name of that image.
func leftImage(claim string, epoch int64) string {
	return fmt.Sprintf("%s-left-behind-%d", claim, epoch)
}
