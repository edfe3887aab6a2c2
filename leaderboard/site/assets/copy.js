// A button that copies the text below it, by mouse, touch and keyboard; it is there only where it works.
"use strict";
for (const box of document.querySelectorAll(".gx-code")) {
  const button = box.querySelector("button");
  const code = box.querySelector("code");
  button.hidden = false;
  button.setAttribute("aria-label", "Copy " + box.querySelector("pre").getAttribute("aria-label"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // A page within another one may not write to the clipboard: the text is marked, to be copied by hand.
      getSelection().selectAllChildren(code);
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
