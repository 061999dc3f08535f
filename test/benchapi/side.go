// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

// side is one of the two that are compared. Answers are read to their end and not decoded: what is measured is the servers'
// work, with that of an HTTP client.
type side struct {
	name   string
	group  schema.GroupVersion
	config *rest.Config
	client rest.Interface
}

// optionsVersion is the one that the options in requests' addresses are of, whatever group is asked for.
var optionsVersion = schema.GroupVersion{Version: "v1"}

func newSide(name string, group schema.GroupVersion, config *rest.Config) (*side, error) {
	s := &side{name: name, group: group, config: rest.CopyConfig(config)}
	s.config.APIPath, s.config.GroupVersion = "/apis", &s.group
	s.config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	s.config.ContentType, s.config.AcceptContentTypes = "application/json", "application/json"
	s.config.QPS = -1
	var err error
	s.client, err = rest.RESTClientFor(s.config)
	return s, err
}

// ownConnection is the same side for a client that shares its connection with nobody.
func (s *side) ownConnection() (*side, error) {
	config := rest.CopyConfig(s.config)
	// The transports of configurations that dial in a way of their own are not shared.
	config.Dial = (&net.Dialer{}).DialContext
	return newSide(s.name, s.group, config)
}

// body is a placement as it is sent to this side.
func (s *side) body(placement *v1alpha1.DRPlacementControl) []byte {
	placement.TypeMeta = metav1.TypeMeta{APIVersion: s.group.String(), Kind: kind}
	data, err := json.Marshal(placement)
	if err != nil {
		panic(err) // types of the API always encode
	}
	return data
}

func (s *side) create(ctx context.Context, placement *v1alpha1.DRPlacementControl) ([]byte, error) {
	return s.client.Post().Namespace(placement.Namespace).Resource(resource).Body(s.body(placement)).DoRaw(ctx)
}

func (s *side) get(ctx context.Context, key types.NamespacedName, options metav1.GetOptions) ([]byte, error) {
	return s.client.Get().Namespace(key.Namespace).Resource(resource).Name(key.Name).
		SpecificallyVersionedParams(&options, scheme.ParameterCodec, optionsVersion).DoRaw(ctx)
}

// update replaces an object by a body; subresource may be empty.
func (s *side) update(ctx context.Context, key types.NamespacedName, subresource string, body []byte) ([]byte, error) {
	request := s.client.Put().Namespace(key.Namespace).Resource(resource).Name(key.Name).Body(body)
	if subresource != "" {
		request = request.SubResource(subresource)
	}
	return request.DoRaw(ctx)
}

func (s *side) patch(ctx context.Context, key types.NamespacedName, how types.PatchType, options metav1.PatchOptions, body []byte) ([]byte, error) {
	return s.client.Patch(how).Namespace(key.Namespace).Resource(resource).Name(key.Name).
		SpecificallyVersionedParams(&options, scheme.ParameterCodec, optionsVersion).Body(body).DoRaw(ctx)
}

func (s *side) delete(ctx context.Context, key types.NamespacedName) ([]byte, error) {
	return s.client.Delete().Namespace(key.Namespace).Resource(resource).Name(key.Name).DoRaw(ctx)
}

// list reads lists of all namespaces, one after the other where there is a limit, and returns how many bytes they have.
func (s *side) list(ctx context.Context, options metav1.ListOptions) (int, error) {
	size := 0
	for {
		data, err := s.client.Get().Resource(resource).SpecificallyVersionedParams(&options, scheme.ParameterCodec, optionsVersion).DoRaw(ctx)
		if err != nil {
			return size, err
		}
		size += len(data)
		metadata, err := metadataOf(data)
		if err != nil || metadata.Continue == "" {
			return size, err
		}
		options.Continue = metadata.Continue
	}
}

// metadataOf reads the metadata of a list without decoding its items. They stand before the items, or after them where the
// server orders fields by name.
func metadataOf(list []byte) (metav1.ListMeta, error) {
	var answer metav1.PartialObjectMetadataList
	head, rest, found := bytes.Cut(list, []byte(`"items":[`))
	if !found {
		return answer.ListMeta, fmt.Errorf("no list: %.200s", list)
	}
	around := slices.Concat(bytes.TrimRight(head, ","), []byte("}"))
	if !bytes.Contains(head, []byte(`"metadata":`)) {
		_, tail, _ := cutLast(rest, []byte(`],"kind":`))
		around = slices.Concat([]byte(`{"kind":`), tail)
	}
	err := json.Unmarshal(around, &answer)
	return answer.ListMeta, err
}

func cutLast(s, separator []byte) (before, after []byte, found bool) {
	if i := bytes.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, nil, false
}

// resourceVersion is the newest there is.
func (s *side) resourceVersion(ctx context.Context) (string, error) {
	data, err := s.client.Get().Resource(resource).Param("limit", "1").DoRaw(ctx)
	if err != nil {
		return "", err
	}
	metadata, err := metadataOf(data)
	return metadata.ResourceVersion, err
}

// watch opens a watch and returns its events, a line each.
func (s *side) watch(ctx context.Context, options metav1.ListOptions) (*bufio.Reader, io.Closer, error) {
	options.Watch = true
	stream, err := s.client.Get().Resource(resource).SpecificallyVersionedParams(&options, scheme.ParameterCodec, optionsVersion).Stream(ctx)
	if err != nil {
		return nil, nil, err
	}
	return bufio.NewReaderSize(stream, 64<<10), stream, nil
}

// watchList reads all objects as informers do: by a watch that begins with them. It returns how many bytes they have.
func (s *side) watchList(ctx context.Context) (int, error) {
	begin := true
	lines, stream, err := s.watch(ctx, metav1.ListOptions{
		SendInitialEvents: &begin, AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	for size := 0; ; {
		line, err := lines.ReadBytes('\n')
		size += len(line)
		if err != nil || bytes.Contains(line, []byte(metav1.InitialEventsAnnotationKey)) {
			return size, err
		}
	}
}
