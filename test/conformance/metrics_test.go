// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
)

// consistentReads is how often the watch cache has answered a read of the resource that asked for what is newest.
func consistentReads(ctx context.Context, resource string) float64 {
	GinkgoHelper()
	sum := 0.0
	for line := range metrics(ctx) {
		if strings.HasPrefix(line, "apiserver_watch_cache_consistent_read_total{") &&
			strings.Contains(line, fmt.Sprintf("resource=%q", resource)) && strings.Contains(line, `success="true"`) {
			value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
			Expect(err).NotTo(HaveOccurred())
			sum += value
		}
	}
	return sum
}

// metrics are the lines of dr-apiserver's metrics, which the hub does not pass on: it is asked itself.
func metrics(ctx context.Context) func(yield func(string) bool) {
	GinkgoHelper()
	config := rest.CopyConfig(hub.Config)
	config.Host = "https://" + address(ctx, "dr-apiserver")
	config.TLSClientConfig.ServerName = "dr-apiserver.dr-system.svc"
	client, err := rest.HTTPClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/metrics", nil)
	Expect(err).NotTo(HaveOccurred())
	response, err := client.Do(asked)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.StatusCode).To(Equal(http.StatusOK))
	return func(yield func(string) bool) {
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() && yield(lines.Text()) {
		}
		Expect(lines.Err()).NotTo(HaveOccurred())
	}
}

// address is where a process of the hub listens.
func address(ctx context.Context, name string) string {
	GinkgoHelper()
	status, err := playground.Status(ctx)
	Expect(err).NotTo(HaveOccurred())
	for _, process := range status.Processes {
		if process.Cluster == framework.Hub && process.Name == name {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(process.Port))
		}
	}
	Fail("the hub has no " + name)
	return ""
}
