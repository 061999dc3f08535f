// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"

	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// allNames judges a request for one object by first asking whether the user may do the same with all objects of the
// namespace, as most users may who may do it at all. The answer to that is remembered for a few seconds by the authorizer
// that asks the hub, and then objects that are read or changed one after the other cost one question and not one each.
func allNames(hub authorizer.Authorizer) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.IsResourceRequest() && a.GetName() != "" {
			if decision, reason, err := hub.Authorize(ctx, everyName{a}); err == nil && decision == authorizer.DecisionAllow {
				return decision, reason, nil
			}
		}
		return hub.Authorize(ctx, a)
	})
}

// everyName is the same request for all objects: an empty name means all to every authorizer.
type everyName struct{ authorizer.Attributes }

// GetName returns no name.
func (everyName) GetName() string { return "" }
