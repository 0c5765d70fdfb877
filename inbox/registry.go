package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"dispatcher/channels"
	"dispatcher/flows"
	"dispatcher/storage"
)

// channelRecord is the body of a KindChannel record: the number that tables
// hold for an alias, and what has to survive a restart of its sending.
type channelRecord struct {
	Number     int64                  `json:"number"`
	Kind       string                 `json:"kind"`
	PauseUntil int64                  `json:"pause_until,omitempty"` // ms
	Held       string                 `json:"held,omitempty"`        // reason; an operator must resume
	Revoked    string                 `json:"revoked,omitempty"`     // id of the last event that said our access is gone
	Buckets    map[string]bucketState `json:"buckets,omitempty"`
}

// ChannelProblem says why a channel of the project does not run.
type ChannelProblem struct {
	Alias       string
	Diagnostics []channels.Diagnostic
}

// registry knows the channels of the live set. Its table is replaced whole.
type registry struct {
	table atomic.Pointer[accountTable]
}

type accountTable struct {
	list     []*Account
	byAlias  map[string]*Account
	byNumber map[int64]*Account
	problems []ChannelProblem
	print    map[string]string // alias → configuration it was opened with
}

func (r *registry) get() *accountTable {
	if t := r.table.Load(); t != nil {
		return t
	}
	return &accountTable{}
}

// Account gives a channel by its alias.
func (s *Service) Account(alias string) (*Account, bool) {
	a, ok := s.accounts.get().byAlias[alias]
	return a, ok
}

// AccountOf gives a channel by its number.
func (s *Service) AccountOf(number int64) (*Account, bool) {
	a, ok := s.accounts.get().byNumber[number]
	return a, ok
}

// Accounts lists every channel that runs, in the order of the project.
func (s *Service) Accounts() []*Account { return slices.Clone(s.accounts.get().list) }

// ChannelProblems lists the channels of the project that do not run, with the reason.
func (s *Service) ChannelProblems() []ChannelProblem {
	return slices.Clone(s.accounts.get().problems)
}

// openAccounts opens the channels of a project off to the side. A channel
// whose configuration is unchanged keeps its adapter. One that does not open
// is a problem to show, not a reason to stop: the others serve.
func (s *Service) openAccounts(ctx context.Context, p *flows.Project) (*accountTable, error) {
	old := s.accounts.get()
	next := &accountTable{byAlias: map[string]*Account{}, byNumber: map[int64]*Account{}, print: map[string]string{}}
	for _, alias := range p.ChannelOrder {
		cfg := p.Channels[alias]
		if !cfg.Enabled {
			continue
		}
		print := fingerprint(cfg, p.Files)
		acct, diags := old.byAlias[alias], []channels.Diagnostic(nil)
		if acct == nil || old.print[alias] != print {
			acct, diags = s.openAccount(alias, cfg)
		}
		if acct == nil {
			next.problems = append(next.problems, ChannelProblem{Alias: alias, Diagnostics: diags})
			s.log.LogAttrs(ctx, slog.LevelWarn, "channel does not start", slog.String("channel", alias), slog.String("problem", firstProblem(diags)))
			continue
		}
		if acct.Number == 0 {
			number, err := s.channelNumber(ctx, alias, cfg.Kind)
			if err != nil {
				return nil, err
			}
			acct.Number = number
		}
		next.list = append(next.list, acct)
		next.byAlias[alias], next.byNumber[acct.Number], next.print[alias] = acct, acct, print
	}
	return next, nil
}

// fingerprint tells whether a channel has to be opened anew. The whole project
// file stands for its part: opening an adapter is cheap and has no effect.
func fingerprint(cfg flows.ChannelConfig, f *flows.Files) string {
	if f == nil {
		return cfg.Kind
	}
	return cfg.Kind + "\n" + string(f.Data["dispatcher.yaml"])
}

func firstProblem(diags []channels.Diagnostic) string {
	if len(diags) == 0 {
		return "unknown kind"
	}
	return diags[0].Message
}

func (s *Service) openAccount(alias string, cfg flows.ChannelConfig) (*Account, []channels.Diagnostic) {
	open := s.cfg.Openers[cfg.Kind]
	if open == nil {
		return nil, nil
	}
	adapter, diags := open(alias, cfg.Node, channels.Env{
		PublicURL: s.cfg.PublicURL, Secret: s.cfg.Secret, Logger: s.log.With(slog.String("channel", alias)),
		CapsOf: s.cfg.CapsOf, Loopback: s.cfg.Loopback, Derive: s.derive,
	})
	if adapter == nil {
		return nil, diags
	}
	caps := adapter.Caps()
	return &Account{Alias: alias, Kind: cfg.Kind, Adapter: adapter, Caps: caps, Common: commonOf(adapter), fits: limitsOf(caps)}, diags
}

func (s *Service) derive(label string) []byte {
	if label == channels.DeriveEntry && len(s.cfg.Entry) > 0 {
		return s.cfg.Entry
	}
	return s.vault.Derive(label)
}

// Times to live where a channel does not say.
const (
	defaultBotTTL   = time.Hour
	defaultAgentTTL = 24 * time.Hour
)

func commonOf(adapter channels.Adapter) Common {
	c := Common{Burst: -1, AmbiguousBot: "auto", AmbiguousMan: "hold", BotTTL: defaultBotTTL, AgentTTL: defaultAgentTTL, OptionsAs: "auto", Public: "reply"}
	teller, ok := adapter.(channels.Commoner)
	if !ok {
		return c
	}
	told := teller.Common()
	if told.BurstSet {
		c.Burst = told.Burst
	}
	c.Insecure, c.IgnoreApps = told.Insecure, told.IgnoreApps
	for into, v := range map[*string]string{&c.AmbiguousBot: told.BotPolicy, &c.AmbiguousMan: told.AgentPolicy, &c.OptionsAs: told.OptionsAs, &c.Public: told.Public} {
		if v != "" {
			*into = v
		}
	}
	if told.BotTTL > 0 {
		c.BotTTL = told.BotTTL
	}
	if told.AgentTTL > 0 {
		c.AgentTTL = told.AgentTTL
	}
	return c
}

// numberTries bounds the race of two processes that see a new alias at once.
const numberTries = 5

// channelNumber gives the number of an alias, and makes one the first time.
// Numbers are never used twice: rows of a channel that is gone keep theirs.
func (s *Service) channelNumber(ctx context.Context, alias, kind string) (int64, error) {
	for range numberTries {
		rec, err := s.store.Get(ctx, storage.KindChannel, []byte(alias))
		if err == nil {
			var c channelRecord
			if err := json.Unmarshal(rec.Body, &c); err != nil {
				return 0, fmt.Errorf("inbox: record of channel %s: %w", alias, err)
			}
			return c.Number, nil
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return 0, fmt.Errorf("inbox: record of channel %s: %w", alias, err)
		}
		number, err := s.takeNumber(ctx, alias, kind)
		if !errors.Is(err, storage.ErrConflict) {
			return number, err
		}
	}
	return 0, fmt.Errorf("inbox: number of channel %s: %w", alias, storage.ErrConflict)
}

func (s *Service) takeNumber(ctx context.Context, alias, kind string) (int64, error) {
	head := storage.Record{Kind: storage.KindSetting, ID: []byte("channel-number")}
	var last int64
	switch rec, err := s.store.Get(ctx, head.Kind, head.ID); {
	case err == nil:
		head.Version = rec.Version
		if err := json.Unmarshal(rec.Body, &last); err != nil {
			return 0, fmt.Errorf("inbox: highest channel number: %w", err)
		}
	case !errors.Is(err, storage.ErrNotFound):
		return 0, fmt.Errorf("inbox: highest channel number: %w", err)
	}
	last++
	head.Body, _ = json.Marshal(last)
	body, err := json.Marshal(channelRecord{Number: last, Kind: kind})
	if err != nil {
		return 0, err
	}
	err = s.store.Put(ctx, []storage.Record{head, {Kind: storage.KindChannel, ID: []byte(alias), Body: body}}, nil)
	return last, err
}

// changeChannel rewrites a channel's record, again when somebody else did meanwhile.
func (s *Service) changeChannel(ctx context.Context, alias string, change func(*channelRecord)) error {
	for range numberTries {
		rec, err := s.store.Get(ctx, storage.KindChannel, []byte(alias))
		if err != nil {
			return fmt.Errorf("inbox: record of channel %s: %w", alias, err)
		}
		var c channelRecord
		if err := json.Unmarshal(rec.Body, &c); err != nil {
			return fmt.Errorf("inbox: record of channel %s: %w", alias, err)
		}
		change(&c)
		if rec.Body, err = json.Marshal(c); err != nil {
			return err
		}
		if err = s.store.Put(ctx, []storage.Record{rec}, nil); !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("inbox: record of channel %s: %w", alias, storage.ErrConflict)
}

func (s *Service) channelState(ctx context.Context, alias string) (c channelRecord, err error) {
	rec, err := s.store.Get(ctx, storage.KindChannel, []byte(alias))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(rec.Body, &c)
}
