// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// file lists every field a RamenConfig may have. Those that nothing here uses are known so that files written for
// RamenDR are taken as they are, while a misspelling is not.
type file struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`

	RamenControllerType     string `json:"ramenControllerType"`
	MaxConcurrentReconciles int    `json:"maxConcurrentReconciles"`

	S3StoreProfiles   []S3StoreProfile  `json:"s3StoreProfiles"`
	DRClusterOperator drClusterOperator `json:"drClusterOperator"`

	KubeObjectProtection struct {
		Enabled             bool   `json:"enabled"`
		Disabled            bool   `json:"disabled"`
		VeleroNamespaceName string `json:"veleroNamespaceName"`
	} `json:"kubeObjectProtection"`
	VolSync struct {
		Disabled              bool   `json:"disabled"`
		CephFSCSIDriverName   string `json:"cephFSCSIDriverName"`
		DestinationCopyMethod string `json:"destinationCopyMethod"`
	} `json:"volSync"`
	MultiNamespace struct {
		FeatureEnabled   bool `json:"FeatureEnabled"`
		VolsyncSupported bool `json:"volsyncSupported"`
	} `json:"multiNamespace"`
	VolumeUnprotectionEnabled     bool   `json:"volumeUnprotectionEnabled"`
	RamenOpsNamespace             string `json:"ramenOpsNamespace"`
	RetainNamespaceSCCAcrossPeers bool   `json:"retainNamespaceSCCAcrossPeers"`

	LeaderElection map[string]any `json:"leaderElection"`
	Metrics        map[string]any `json:"metrics"`
	Health         map[string]any `json:"health"`
	Webhook        map[string]any `json:"webhook"`
	Controller     map[string]any `json:"controller"`
}

type drClusterOperator struct {
	DeploymentAutomationEnabled bool             `json:"deploymentAutomationEnabled"`
	S3SecretDistributionEnabled bool             `json:"s3SecretDistributionEnabled"`
	ChannelName                 string           `json:"channelName"`
	PackageName                 string           `json:"packageName"`
	NamespaceName               string           `json:"namespaceName"`
	CatalogSourceName           string           `json:"catalogSourceName"`
	CatalogSourceNamespaceName  string           `json:"catalogSourceNamespaceName"`
	ClusterServiceVersionName   string           `json:"clusterServiceVersionName"`
	S3StoreProfiles             []S3StoreProfile `json:"s3StoreProfiles"`
}

// velero credentials of a profile are RamenDR's; nothing here reads them.
var ignoredFields = map[reflect.Type][]string{
	reflect.TypeFor[S3StoreProfile](): {"veleroNamespaceSecretKeyRef"},
}

type configMap struct {
	Kind string            `json:"kind"`
	Data map[string]string `json:"data"`
}

// decode reads each document of data, unwrapping those that are ConfigMaps.
func decode(data []byte) ([]file, error) {
	var files []file
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		f, err := decodeDocument(document)
		if err != nil {
			return nil, err
		}
		files = append(files, f...)
	}
}

func decodeDocument(document []byte) ([]file, error) {
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	if string(raw) == "null" {
		return nil, nil
	}
	var wrapper configMap
	if json.Unmarshal(raw, &wrapper) == nil && wrapper.Kind == "ConfigMap" {
		content, found := wrapper.Data[Key]
		if !found {
			return nil, fmt.Errorf("the ConfigMap has no data.%s", Key)
		}
		return decode([]byte(content))
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	if errs := check("", value, reflect.TypeFor[file]()); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	return []file{f}, nil
}
