package dm

// Owners of a conversation: who may answer at this moment.
const (
	OwnerBot   = "bot"
	OwnerQueue = "queue"
	OwnerAgent = "agent"
	OwnerNone  = "none"
)

// Phases of the ownership machine (desk.md 1.2). Each belongs to one owner.
const (
	PhaseBot    = "bot"
	PhaseLent   = "lent"
	PhaseAfter  = "after"
	PhaseQueue  = "queue"
	PhaseAgent  = "agent"
	PhaseParked = "parked"
	PhaseClosed = "closed"
)

// Authors of a message.
const (
	AuthorCustomer    = "customer"
	AuthorBot         = "bot"
	AuthorAgent       = "agent"
	AuthorAgentNative = "agent_native"
	AuthorNotice      = "notice"
	AuthorSystem      = "system"
)

// Delivery states of an outgoing message.
const (
	DeliveryNone      = "none"
	DeliveryPending   = "pending"
	DeliverySending   = "sending"
	DeliverySent      = "sent"
	DeliveryDelivered = "delivered"
	DeliveryRead      = "read"
	DeliveryFailed    = "failed"
	DeliveryUnknown   = "unknown"
	DeliveryCancelled = "cancelled"
)

// Priorities of a handoff, from lowest to highest.
const (
	PriorityLow    = "low"
	PriorityNormal = "normal"
	PriorityHigh   = "high"
	PriorityUrgent = "urgent"
)

// Causes of a handoff: the closed list of desk.md 1.5.
const (
	CauseAskedForPerson   = "asked_for_person"
	CauseFlow             = "flow"
	CauseGaveUp           = "gave_up"
	CauseNoMatch          = "no_match"
	CauseNoReply          = "no_reply"
	CauseEngineError      = "engine_error"
	CauseServiceError     = "service_error"
	CauseVerifyFailed     = "verify_failed"
	CauseVanishedState    = "vanished_state"
	CauseLoop             = "loop"
	CauseFlood            = "flood"
	CauseDeliveryFailed   = "delivery_failed"
	CauseKillSwitch       = "kill_switch"
	CauseHoldout          = "holdout"
	CauseShadow           = "shadow"
	CauseNoFlow           = "no_flow"
	CausePublic           = "public"
	CauseUnreadable       = "unreadable"
	CausePublicEscalation = "public_escalation"
	CauseFollowUp         = "follow_up"
	CauseTakenOver        = "taken_over"
	CauseNativeReply      = "native_reply"
	CauseProactive        = "proactive"
	CauseReopened         = "reopened"
	CauseTransferred      = "transferred"
	CauseLowScore         = "low_score"
	CauseAPI              = "api"
)

// Causes lists every cause in the order of desk.md 1.5; its index is the
// number under which storage keeps it.
var Causes = [...]string{
	CauseAskedForPerson, CauseFlow, CauseGaveUp, CauseNoMatch, CauseNoReply, CauseEngineError,
	CauseServiceError, CauseVerifyFailed, CauseVanishedState, CauseLoop, CauseFlood,
	CauseDeliveryFailed, CauseKillSwitch, CauseHoldout, CauseShadow, CauseNoFlow, CausePublic,
	CauseUnreadable, CausePublicEscalation, CauseFollowUp, CauseTakenOver, CauseNativeReply,
	CauseProactive, CauseReopened, CauseTransferred, CauseLowScore, CauseAPI,
}
