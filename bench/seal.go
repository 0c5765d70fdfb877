package main

import (
	"encoding/json"
	"fmt"

	"dispatcher/engine"
	"dispatcher/vault"
)

// sealing is one turn's work of the vault as inbox does it: the contact's key,
// profile, address, card and state opened; state, card, address, display,
// three messages, a trace and two requests sealed.
type sealing struct {
	vault   *vault.Vault
	wrapped []byte
	kid     int64
	state   []byte // sealed
	plain   []byte
	body    []byte
	boxed   []byte // body, sealed
	aad     []byte
}

func newSealing(st engine.State) (*sealing, error) {
	keys, err := vault.ParseKeys(vault.GenerateKey())
	if err != nil {
		return nil, err
	}
	v, _, err := vault.New(keys)
	if err != nil {
		return nil, err
	}
	key, wrapped, kid, err := v.NewContactKey()
	if err != nil {
		return nil, err
	}
	plain, err := engine.EncodeState(st)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"text": "What can we help you with? Pick a button or type.", "language": "en"})
	if err != nil {
		return nil, err
	}
	aad := vault.AAD("conversations", [16]byte{1}, [16]byte{2}, 0, "state")
	return &sealing{vault: v, wrapped: wrapped, kid: kid, state: key.Seal(plain, aad), plain: plain, body: body, boxed: key.Seal(body, aad), aad: aad}, nil
}

// turn does it once.
func (s *sealing) turn() error {
	key, err := s.vault.OpenContactKey(s.wrapped, s.kid)
	if err != nil {
		return err
	}
	if _, err := key.Open(s.state, s.aad); err != nil {
		return err
	}
	for range 3 {
		if _, err := key.Open(s.boxed, s.aad); err != nil {
			return err
		}
	}
	key.Seal(s.plain, s.aad)
	for range 9 {
		key.Seal(s.body, s.aad)
	}
	return nil
}

// sealRow is B18: what sealing costs of the whole processor time of a turn of
// the full path, the client's left out.
func (b *bench) sealRow() error {
	job, err := loadProject("job", jobProject)
	if err != nil {
		return err
	}
	s, err := newSealing(newTalk(job.Set, standardJob[:3]).memory())
	if err != nil {
		return err
	}
	if err := s.turn(); err != nil {
		return err
	}
	svc, err := b.startLoop("seal", size(b, 64, 2048, 2048))
	if err != nil {
		return err
	}
	var share []float64
	var sealed, whole []float64
	for range b.rounds {
		one := interleaved(size(b, 1, 40, 40), []func(){func() { _ = s.turn() }})[0]
		before, err := usageOf(svc.pid())
		if err != nil {
			return err
		}
		run, err := svc.flood(b.ctx, clients, b.millis(100, 1500, 1500))
		if err != nil {
			return err
		}
		after, err := usageOf(svc.pid())
		if err != nil {
			return err
		}
		if run.done == 0 {
			return fmt.Errorf("no turn was accepted")
		}
		turn := us(after.cpu-before.cpu) / float64(run.done)
		share, sealed, whole = append(share, 100*one/turn), append(sealed, one), append(whole, turn)
	}
	b.set("B18", share)
	b.note("sealing %.1f µs of %.0f µs server CPU a turn", median(sealed), median(whole))
	return nil
}
