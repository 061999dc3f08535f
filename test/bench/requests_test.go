// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
)

const metricsBefore = `# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1"} 3
apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="",scope="",subresource="/readyz",verb="GET",version=""} 9
`

const metricsAfter = `# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1"} 7
apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="WATCH",version="v1"} 1
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 4
apiserver_request_total{code="201",component="apiserver",dry_run="",group="dr.ramen.io",resource="drplacementcontrols",scope="resource",subresource="failover",verb="POST",version="v1alpha1"} 1
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="",scope="",subresource="/readyz",verb="GET",version=""} 90
`

func TestRequestsBetweenTwoReadings(t *testing.T) {
	before, err := parseRequests("hub", []byte(metricsBefore))
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseRequests("hub", []byte(metricsAfter))
	if err != nil {
		t.Fatal(err)
	}
	answered := after.since(before)
	if counted, apart := answered.total(""); counted != 5 || apart != 5 {
		t.Errorf("counted %v and apart %v, want 4 GETs and a POST, and a watch and 4 Leases apart", counted, apart)
	}
	if counted, apart := answered.total("dr1"); counted != 0 || apart != 0 {
		t.Errorf("counted %v and apart %v of another server, want none", counted, apart)
	}
	if all, of := answered.written(""), answered.written("drplacementcontrols"); all != 1 || of != 1 || answered.written("secrets") != 0 {
		t.Errorf("%v were written, %v of them of placements; want one POST, and no Lease", all, of)
	}
	kinds := answered.kinds()
	if len(kinds) != 4 || kinds[0].resource != "leases" && kinds[0].resource != "pods" {
		t.Errorf("kinds %v, want 4, the most frequent first", kinds)
	}
}
