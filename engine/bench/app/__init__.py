"""How quick the app is: page switches and reruns in a real browser, and several users at once."""
