"""The only hallway between the apps. It knows RabbitMQ and the database, and no app."""
