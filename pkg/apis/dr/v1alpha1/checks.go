// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Names of the preflight checks. An action that is refused gets a Status with one cause for each check that stands against
// it: the cause's type is the check's name, its message says what was found and what to do, and its field is what to
// change in the request where that is the remedy.
const (
	// CheckTargetKnown fails if the target is not one of the policy's clusters, or there is no such DRCluster.
	CheckTargetKnown = "TargetKnown"
	// CheckTargetNotCurrent fails if the application already runs on the target.
	CheckTargetNotCurrent = "TargetNotCurrent"
	// CheckNoActionInProgress fails while another action, the first placement or the deletion is under way.
	CheckNoActionInProgress = "NoActionInProgress"
	// CheckTargetConnected fails if the target's agent is not connected.
	CheckTargetConnected = "TargetConnected"
	// CheckPeerReady fails if the target is not a secondary whose copy is usable.
	CheckPeerReady = "PeerReady"
	// CheckProtected fails if the target has nothing complete to recover from.
	CheckProtected = "Protected"
	// CheckVolumesProtected fails a failover that would leave volumes behind for good, since nothing replicates them; force
	// overrides it. Asked only where there are such volumes.
	CheckVolumesProtected = "VolumesProtected"
	// CheckLeaveBehindKnown fails a failover that is to go on without a PersistentVolumeClaim that the application is not known
	// to have. Asked only where some are named.
	CheckLeaveBehindKnown = "LeaveBehindKnown"
	// CheckSourceUnhealthy fails a failover away from a healthy cluster; force overrides it.
	CheckSourceUnhealthy = "SourceUnhealthy"
	// CheckCopyFresh fails a failover to a copy staler than the policy allows; force overrides it.
	CheckCopyFresh = "CopyFresh"
	// CheckSourceStopped fails a failover while nothing is known to stop the source from writing;
	// AckSourceMayStillWrite overrides it.
	CheckSourceStopped = "SourceStopped"
	// CheckTargetNotFenced fails if the target is fenced off from storage, or not known to have been let back.
	CheckTargetNotFenced = "TargetNotFenced"
	// CheckSourceConnected fails a relocate if the source's agent is not connected.
	CheckSourceConnected = "SourceConnected"
	// CheckSourceProtected fails a relocate if the application is not protected where it runs.
	CheckSourceProtected = "SourceProtected"
)

// Names of the checks that the fence or unfence of a DRCluster is judged by.
const (
	// CheckPeerAvailable fails if no other cluster can carry it out: none shares a policy with the cluster, or none that does
	// is connected and not fenced itself. Not asked where the fence is manual.
	CheckPeerAvailable = "PeerAvailable"
	// CheckFenceClassKnown fails a fence if the peer has no NetworkFenceClass for storage that the cluster uses, or not for all
	// that its policies replicate.
	CheckFenceClassKnown = "FenceClassKnown"
	// CheckCIDRsKnown fails a fence if it is not known from which addresses the cluster reaches its storage, or not from all,
	// or if the peer would be fenced off with it.
	CheckCIDRsKnown = "CIDRsKnown"
	// CheckNotActionTarget fails a fence while an action moves an application to the cluster, or hands one over from it.
	CheckNotActionTarget = "NotActionTarget"
	// CheckApplicationsDown fails a fence while an application is available on the cluster; force overrides it.
	CheckApplicationsDown = "ApplicationsDown"
	// CheckNoActionWaiting fails an unfence while a failover away from the cluster relies on its fence.
	CheckNoActionWaiting = "NoActionWaiting"
	// CheckApplicationsStopped fails an unfence while an application that runs elsewhere has not been confirmed to have
	// stopped on the cluster: it would be written to by two.
	CheckApplicationsStopped = "ApplicationsStopped"
)
