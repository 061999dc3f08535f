// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"errors"
	"slices"
	"testing"

	"k8s.io/apiserver/pkg/authorization/authorizer"
)

func TestARequestForOneObjectIsAllowedByWhatAllowsAllOrThatOne(t *testing.T) {
	one := authorizer.AttributesRecord{ResourceRequest: true, Verb: "get", Namespace: "shop", Resource: "drplacementcontrols", Name: "shop"}
	all := one
	all.Name = ""
	path := authorizer.AttributesRecord{Path: "/metrics", Verb: "get"}
	failed := errors.New("the hub does not answer")
	for name, test := range map[string]struct {
		request authorizer.AttributesRecord
		allowed []string
		err     error
		want    authorizer.Decision
		asked   []string
	}{
		"who may get all may get one":                       {one, []string{""}, nil, authorizer.DecisionAllow, []string{""}},
		"who may get one by name may get it":                {one, []string{"shop"}, nil, authorizer.DecisionAllow, []string{"", "shop"}},
		"who may get another may not":                       {one, []string{"other"}, nil, authorizer.DecisionNoOpinion, []string{"", "shop"}},
		"a list is asked for once":                          {all, []string{""}, nil, authorizer.DecisionAllow, []string{""}},
		"who may get one may not list":                      {all, []string{"shop"}, nil, authorizer.DecisionNoOpinion, []string{""}},
		"an error is not an answer, whatever comes with it": {one, []string{""}, failed, authorizer.DecisionAllow, []string{"", "shop"}},
		"what is no resource is asked for once":             {path, nil, nil, authorizer.DecisionNoOpinion, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			hub := authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
				asked = append(asked, a.GetName())
				if test.err != nil || slices.Contains(test.allowed, a.GetName()) {
					return authorizer.DecisionAllow, "", test.err
				}
				return authorizer.DecisionNoOpinion, "", nil
			})
			got, _, err := allNames(hub).Authorize(t.Context(), test.request)
			if got != test.want || !errors.Is(err, test.err) || !slices.Equal(asked, test.asked) {
				t.Errorf("decision %v, error %v, asked for %q; want %v, %v, %q", got, err, asked, test.want, test.err, test.asked)
			}
		})
	}
}
