// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// The ways to the API: as users go, and past the hub's kube-apiserver.
const (
	throughHub = "through the hub"
	straight   = "straight at dr-apiserver"
)

var apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}

// direct is the configuration with which the same credentials go straight to dr-apiserver.
func direct(ctx context.Context, config *rest.Config) *rest.Config {
	GinkgoHelper()
	service, err := playground.Hub.Dynamic.Resource(apiServices).Get(ctx, "v1alpha1.dr.ramen.io", metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	spec := service.Object["spec"].(map[string]any)
	config = rest.CopyConfig(config)
	config.Host = fmt.Sprintf("https://127.0.0.1:%d", spec["service"].(map[string]any)["port"])
	return config
}

// bothWays are the two ways of the holder of the configuration.
func bothWays(ctx context.Context, config *rest.Config) []caller {
	GinkgoHelper()
	return []caller{newCaller(throughHub, config), newCaller(straight, direct(ctx, config))}
}

// impersonating is the admin's configuration in the name of somebody else.
func impersonating(user string, groups ...string) *rest.Config {
	config := rest.CopyConfig(playground.Hub.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return config
}

// withoutCredentials is the admin's configuration without what says who that is.
func withoutCredentials() *rest.Config {
	return rest.AnonymousClientConfig(playground.Hub.Config)
}

// withToken is the configuration of the holder of a token.
func withToken(token string) *rest.Config {
	config := withoutCredentials()
	config.BearerToken = token
	return config
}
