// @ts-check
// Sets the chosen theme before the first paint: a page that changes colour
// while it loads is a page that jumps. Not a module, so that it runs at once.
(() => {
  try {
    const theme = localStorage.getItem('dispatcher.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be refused; the system's theme is right then.
  }
})();
