"""What is done to the platform itself: storage looked after, backups taken and tried."""
