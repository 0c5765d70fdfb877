package inbox

import (
	"strings"

	"dispatcher/dm"
)

// whySentence is the one sentence that tells an agent why this came to them.
// who is the customer's first name, "" = unknown.
func whySentence(who, cause, queue string) string {
	template := whyTemplate(cause)
	switch {
	case who != "":
	case strings.HasPrefix(template, "{who}"):
		who = "The customer"
	default:
		who = "the customer"
	}
	return strings.NewReplacer("{who}", who, "{queue}", queue).Replace(template)
}

func whyTemplate(cause string) string {
	switch cause {
	case dm.CauseAskedForPerson:
		return "{who} asked for a person."
	case dm.CauseFlow:
		return "The assistant finished its questions and passed this to {queue}."
	case dm.CauseGaveUp:
		return "{who} could not give an answer the assistant could read."
	case dm.CauseNoMatch:
		return "The assistant did not understand {who}."
	case dm.CauseNoReply:
		return "{who} stopped answering the assistant."
	case dm.CauseEngineError:
		return "The assistant failed on an error of its own."
	case dm.CauseServiceError:
		return "A look-up the assistant needed did not work."
	case dm.CauseVerifyFailed:
		return "{who} could not be verified."
	case dm.CauseVanishedState:
		return "The question {who} was at was removed from the flow."
	case dm.CauseLoop:
		return "The assistant was going round in circles."
	case dm.CauseFlood:
		return "{who} sent too many messages in a short time."
	case dm.CauseDeliveryFailed:
		return "A message of the assistant could not be delivered."
	}
	return whyTemplateDesk(cause)
}

func whyTemplateDesk(cause string) string {
	switch cause {
	case dm.CauseKillSwitch:
		return "The assistant is paused."
	case dm.CauseHoldout:
		return "Held out for comparison: nothing was asked."
	case dm.CauseShadow:
		return "The assistant only watched: nothing was asked."
	case dm.CauseNoFlow:
		return "No flow fits this conversation."
	case dm.CausePublic:
		return "{who} wrote in public."
	case dm.CauseUnreadable:
		return "A message could not be read by the assistant."
	case dm.CausePublicEscalation:
		return "{who} also wrote in public about an open matter."
	case dm.CauseFollowUp:
		return "{who} came back about an earlier conversation."
	case dm.CauseTakenOver:
		return "Taken over from the assistant."
	case dm.CauseNativeReply:
		return "Answered in the platform's own app."
	case dm.CauseProactive:
		return "We wrote first."
	case dm.CauseReopened:
		return "Reopened after it was resolved."
	case dm.CauseTransferred:
		return "Transferred to {queue}."
	case dm.CauseLowScore:
		return "{who} gave a low score."
	}
	return "Passed to {queue}."
}
