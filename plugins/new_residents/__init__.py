"""New residents (新厦门人服务综合体): one-stop registration, verified residence, equal footing. Mechanism M31."""
