// @ts-check
// Small helps of the set-up and log-in pages. Without this file both forms
// work the same: its buttons are hidden until it runs.

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-show]'))) {
  const input = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.show ?? ''));
  button.hidden = false;
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', () => {
    const shown = input.type === 'text';
    input.type = shown ? 'password' : 'text';
    button.textContent = shown ? 'Show' : 'Hide';
    button.setAttribute('aria-pressed', String(!shown));
    input.focus();
  });
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-copy]'))) {
  const words = /** @type {HTMLElement} */ (button.querySelector('span'));
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy ?? '')?.textContent ?? '');
    words.textContent = 'Copied';
  });
}

// A form that was sent cannot be sent twice by an impatient finger.
for (const form of document.forms) {
  form.addEventListener('submit', () => {
    const button = form.querySelector('.pri');
    if (button instanceof HTMLButtonElement) setTimeout(() => { button.disabled = true; }, 0);
  });
}
window.addEventListener('pageshow', () => {
  for (const b of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('.pri:disabled'))) b.disabled = false;
});

// autofocus is refused by some browsers when a hash is in the address.
const wanted = /** @type {HTMLElement|null} */ (document.querySelector('[autofocus]'));
if (wanted && document.activeElement !== wanted) wanted.focus();
