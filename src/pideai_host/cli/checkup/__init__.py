"""What `pideai-host doctor` looks at: each module one subject, each finding one line and what to do about it."""
