// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package volsync

import (
	"context"
	"fmt"
	"strings"

	volsyncv1alpha1 "github.com/backube/volsync/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Stream is one that a claim's volume is to be sent in by itself. It is offered to the peer first, which prepares for it, and
// begins with its source. What was sent under a number is not known once a source is gone: so each stream has one source and
// never another, and is noted to have begun before it is made.
type Stream struct {
	*Claim
	name string
	// source that begins it; nil to offer it.
	source *volsyncv1alpha1.ReplicationSource
}

// streamBegun follows on the name of a stream, where that is noted, once it has begun.
const streamBegun = " begun"

// streamOf is the stream that is noted on a claim, and whether it has begun.
func streamOf(claim metav1.Object) (name string, hasBegun bool) {
	return strings.CutSuffix(claim.GetAnnotations()[annotationStream], streamBegun)
}

// stream offers a stream, or begins it.
func (b *Backend) stream(ctx context.Context, group types.NamespacedName, s Stream) error {
	if s.source == nil {
		return b.offer(ctx, group, s)
	}
	if noted, err := b.noteStream(ctx, group.Namespace, s.Claim, s.name+streamBegun); err != nil || !noted {
		return err
	}
	return b.create(ctx, s.source)
}

// offer notes a stream to be begun, unless there is a source, for which it looks past the cache.
func (b *Backend) offer(ctx context.Context, group types.NamespacedName, s Stream) error {
	rs := &volsyncv1alpha1.ReplicationSource{}
	err := b.Live.Get(ctx, types.NamespacedName{Namespace: group.Namespace, Name: s.Claim.Name}, rs)
	switch {
	case err == nil:
		return inTheWay(rs, group.String())
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("reading ReplicationSource %s/%s: %w", group.Namespace, s.Claim.Name, err)
	}
	_, err = b.noteStream(ctx, group.Namespace, s.Claim, s.name)
	return err
}

// noteStream notes a stream on a claim, and tells whether it did: only if nothing of the claim has changed since it was looked at.
func (b *Backend) noteStream(ctx context.Context, namespace string, c *Claim, text string) (bool, error) {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: c.Name}}
	patch := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"annotations":{%q:%q}}}`, c.Version, annotationStream, text)
	err := b.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// What has changed comes as an event, and is planned upon.
		return false, nil
	}
	return err == nil, wrap(err, "noting its stream on", claim)
}
