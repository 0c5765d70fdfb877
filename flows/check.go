package flows

func (l *loader) check() {}

func (l *loader) withhold() {}
