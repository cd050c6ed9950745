# Starts device management and the application in app.py. Ctrl-C at the REPL stops both;
# then `import dm; dm.status()` shows how things are, and `dm.run()` goes on.
import dm

dm.run()
