"""What a customer would have otherwise: NestJS on Fastify with BullMQ on Redis, beside the host in one run."""
