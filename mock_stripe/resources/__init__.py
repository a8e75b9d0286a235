"""What each route does. Handlers never wait, so every request is atomic."""
