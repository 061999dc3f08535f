// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// resource is one that the API serves: one of objects or a subresource.
type resource struct {
	name, kind string
	namespaced bool
	// api is the path of the API of the resource if it is not ours.
	api string
}

// served are the resources that discovery lists.
func served() []resource {
	GinkgoHelper()
	list, err := playground.Hub.Kube.Discovery().ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	Expect(err).NotTo(HaveOccurred())
	var resources []resource
	for _, r := range list.APIResources {
		resources = append(resources, resource{name: r.Name, kind: r.Kind, namespaced: r.Namespaced})
	}
	return resources
}

func (r resource) split() (main, sub string) {
	main, sub, _ = strings.Cut(r.name, "/")
	return main, sub
}

// call is one request in the terms of authorization.
type call struct {
	verb            string
	resource        resource
	namespace, name string
	query           url.Values
	body            any
}

func (c call) String() string {
	return fmt.Sprintf("%s %s %s/%s?%s", c.verb, c.resource.name, c.namespace, c.name, c.query.Encode())
}

// methods are the HTTP methods of verbs, and whether the verb is about a whole collection.
var methods = map[string]struct {
	method     string
	collection bool
}{
	"get": {http.MethodGet, false}, "list": {http.MethodGet, true}, "watch": {http.MethodGet, true},
	"create": {http.MethodPost, true}, "update": {http.MethodPut, false}, "patch": {http.MethodPatch, false},
	"delete": {http.MethodDelete, false}, "deletecollection": {http.MethodDelete, true},
}

// expressible says whether there is a request for the call: a subresource is no collection, and "use" is asked by the server.
func (c call) expressible() bool {
	_, sub := c.resource.split()
	method, known := methods[c.verb]
	return known && (sub == "" || !method.collection || c.verb == "create")
}

func (c call) path() string {
	main, sub := c.resource.split()
	path := cmp.Or(c.resource.api, "/apis/"+v1alpha1.SchemeGroupVersion.String())
	if c.resource.namespaced {
		path += "/namespaces/" + c.namespace
	}
	path += "/" + main
	if !methods[c.verb].collection || sub != "" {
		path += "/" + c.name
	}
	if sub != "" {
		path += "/" + sub
	}
	return path
}

// request makes the call one that changes nothing. A deletion has no body, which would be its options instead of the query.
func (c call) request(ctx context.Context, host string) (*http.Request, error) {
	query := url.Values{}
	for key, values := range c.query {
		query[key] = values
	}
	switch {
	case c.verb == "watch":
		query.Set("watch", "true")
		query.Set("timeoutSeconds", "1")
	case methods[c.verb].method != http.MethodGet:
		query.Set("dryRun", metav1.DryRunAll)
	}
	var body io.Reader
	if c.body != nil && slices.Contains([]string{"create", "update", "patch"}, c.verb) {
		content, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, methods[c.verb].method, host+c.path()+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.verb == "patch" {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	return request, nil
}

// namesIn are the names of the objects that the list has which the request asks for.
func namesIn(way caller, request *http.Request) []string {
	GinkgoHelper()
	response, err := way.client.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	Expect(response.StatusCode).To(Equal(http.StatusOK))
	var list metav1.PartialObjectMetadataList
	Expect(json.NewDecoder(response.Body).Decode(&list)).To(Succeed())
	names := []string{}
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names
}

// answer is what a server said.
type answer struct {
	code    int
	message string
	header  http.Header
}

// notAuthorized says that RBAC, or the agents' authorizer, refused: admission and preflight answer in other words.
func (a answer) notAuthorized(verb string) bool {
	return a.code == http.StatusForbidden && strings.Contains(a.message, "cannot "+verb+" ")
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.code, a.message) }

// caller is somebody's way to a server.
type caller struct {
	server string
	host   string
	client *http.Client
}

func newCaller(server string, config *rest.Config) caller {
	GinkgoHelper()
	config = rest.CopyConfig(config)
	config.QPS = -1
	client, err := rest.HTTPClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	return caller{server: server, host: config.Host, client: client}
}

// send sends a call. A watch is left as soon as it has begun.
func (c caller) send(ctx context.Context, call call) (answer, error) {
	request, err := call.request(ctx, c.host)
	if err != nil {
		return answer{}, err
	}
	return c.do(request)
}

func (c caller) do(request *http.Request) (answer, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{code: response.StatusCode, header: response.Header}
	if response.StatusCode < http.StatusBadRequest {
		return a, nil
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	var status metav1.Status
	if json.Unmarshal(content, &status) == nil && status.Message != "" {
		a.message = status.Message
	} else {
		a.message = string(content)
	}
	return a, nil
}
