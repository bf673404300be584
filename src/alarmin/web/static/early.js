// Before the page is drawn: what needs scripts is shown only where there are some.
document.documentElement.classList.add("scripts");
