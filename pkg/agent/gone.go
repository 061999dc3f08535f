// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ramendr/dr-apiserver/pkg/agent/restore"
	"github.com/ramendr/dr-apiserver/pkg/objectstore/archive"
)

// mostGiven bounds what a checkpoint remembers. What became of an application's objects is not told where it has more.
const mostGiven = 5000

// given are the objects whose deletion here is to be told to the other cluster: those that a capture restored. One that was taken
// here itself says of others that the other cluster has not heard of it yet.
func given(found *archive.Found, cluster string) []archive.Name {
	var names []archive.Name
	for _, o := range found.Content.Objects {
		if o.Object.GetNamespace() != "" {
			names = append(names, o.Named())
		}
	}
	if found.Cluster == cluster {
		names = append(names, found.Content.Gone...)
	}
	if len(names) > mostGiven {
		return nil
	}
	slices.SortFunc(names, archive.Name.Compare)
	return slices.Compact(names)
}

// removeGone deletes what the application had here and was deleted elsewhere. What a cluster's own capture says of that is done.
func (a *Agent) removeGone(ctx context.Context, f *Facts) (*restore.Removal, error) {
	found := f.Restore.Found
	if found.Cluster == a.cluster || len(found.Content.Gone) == 0 {
		return &restore.Removal{}, nil
	}
	covers, err := objectSelector(f)
	if err != nil {
		return &restore.Removal{}, err
	}
	return a.restorer.Remove(ctx, f.Key, sets.New(f.Checkpoint.Objects...), covers, found.Content)
}

// removedMessage says what a restore deleted, and what it would have.
func (r *RestoreFacts) removedMessage() string {
	var said []string
	if len(r.Removed) > 0 {
		said = append(said, "Deleted, for the application no longer has them: "+join(r.Removed)+".")
	}
	if len(r.Left) > 0 {
		said = append(said, "Delete these, which the application no longer has and the agent can't: "+join(r.Left)+".")
	}
	return strings.Join(said, " ")
}
